"""How the peers' engines are set up, for engines and servers alike."""


def onnxruntime(path: str, threads: int, batch: int | None = None):
    """A session; `batch` fixes the batch's size, none leaves it open."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if batch is not None:
        options.add_free_dimension_override_by_name("N", batch)
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def openvino(
        path: str, threads: int, precision: str, batch: int | None = None, hint: str = "LATENCY",
        alone: bool = True):
    """A compiled model; `batch` fixes the batch's size, none leaves it open.

    Not `alone`: other processes do the same. Pinned threads would then share the first cores.
    """
    import openvino as ov

    model = ov.Core().read_model(path)
    model.reshape([-1 if batch is None else batch, 3, 224, 224])
    # Left to itself it takes bf16 on this kind of processor, which is another sum. In an int8 file
    # this only concerns what the file leaves in floating point.
    settings = {
        "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": hint,
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
    if not alone:
        settings["ENABLE_CPU_PINNING"] = False
    return ov.Core().compile_model(model, "CPU", settings)


def ncnn(path: str, threads: int):
    """A network in fp32; its numbers lie beside `path`."""
    import ncnn

    network = ncnn.Net()
    network.opt.num_threads = threads
    for narrower in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(network.opt, f"use_{narrower}", False)
    if network.load_param(path) or network.load_model(path.removesuffix(".param") + ".bin"):
        raise RuntimeError(f"ncnn cannot load {path}")
    return network


def mnn(path: str, threads: int):
    """A network in fp32."""
    import MNN

    manager = MNN.nn.create_runtime_manager(
        ({"precision": "high", "backend": "CPU", "numThread": threads},))
    return MNN.nn.load_module_from_file(
        path, ["input"], ["logits"], runtime_manager=manager)
