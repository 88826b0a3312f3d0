"""Seconds for a new last layer on 2,000 photographs, by resnetd and by two loops in PyTorch: the
plain one, which runs the frozen network in each of ten epochs, and one that caches its features.

usage: head.py RESNETD [--pictures N] [--plain-epochs N]

The network is torchvision's ResNet-18 with random weights: only time is measured. Everything from
the files to the finished layer counts. The plain loop is measured over `--plain-epochs` (default 2)
of its ten epochs, which are alike.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

import numpy
import torch
import torchvision
from PIL import Image

CLASS_COUNT = 10
EPOCHS = 10
BATCH = 32
THREADS = 2


def make_pictures(folder, count):
    """Writes JPEGs of 500x375 with the amount of detail of photographs, a folder for each class."""
    numbers = numpy.random.default_rng(0)
    for index in range(count):
        label = folder / f"class{index % CLASS_COUNT}"
        label.mkdir(parents=True, exist_ok=True)
        coarse = numbers.integers(0, 256, (12, 16, 3), dtype=numpy.uint8)
        smooth = numpy.asarray(Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC))
        noise = numbers.normal(0, 6, smooth.shape)
        pixels = numpy.clip(smooth + noise, 0, 255).astype(numpy.uint8)
        Image.fromarray(pixels).save(label / f"{index}.jpg", quality=90)


class Pictures(torch.utils.data.Dataset):
    def __init__(self, folder):
        self.files = sorted(folder.glob("*/*.jpg"))
        self.classes = sorted({file.parent.name for file in self.files})
        self.transform = torchvision.transforms.Compose([
            torchvision.transforms.Resize(256), torchvision.transforms.CenterCrop(224),
            torchvision.transforms.ToTensor(),
            torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        file = self.files[index]
        return (self.transform(Image.open(file).convert("RGB")),
                self.classes.index(file.parent.name))


def loader(folder):
    return torch.utils.data.DataLoader(
        Pictures(folder), batch_size=BATCH, shuffle=True, num_workers=THREADS)


def body_and_head(network):
    body = torch.nn.Sequential(*list(network.children())[:-1], torch.nn.Flatten())
    body = body.eval().to(memory_format=torch.channels_last)
    head = torch.nn.Linear(512, CLASS_COUNT)
    return body, head, torch.optim.SGD(head.parameters(), lr=0.01, momentum=0.9)


def learn(head, optimizer, features, classes):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(head(features), classes).backward()
    optimizer.step()


def plain(network, folder, epochs):
    body, head, optimizer = body_and_head(network)
    start = time.perf_counter()
    for _ in range(epochs):
        for images, classes in loader(folder):
            with torch.no_grad():
                features = body(images.to(memory_format=torch.channels_last))
            learn(head, optimizer, features, classes)
    return (time.perf_counter() - start) / epochs * EPOCHS


def cached(network, folder):
    body, head, optimizer = body_and_head(network)
    start = time.perf_counter()
    features, classes = [], []
    with torch.no_grad():
        for images, some in loader(folder):
            features.append(body(images.to(memory_format=torch.channels_last)))
            classes.append(some)
    features, classes = torch.cat(features), torch.cat(classes)
    for _ in range(EPOCHS):
        for part in torch.randperm(len(features)).split(BATCH):
            learn(head, optimizer, features[part], classes[part])
    return time.perf_counter() - start


def ours(program, model, folder):
    output = folder.parent / "head.safetensors"
    start = time.perf_counter()
    subprocess.run(
        [program, "train", folder, "-o", output, "--from", model, "--tune", "head", "--force",
         "-j", str(THREADS)],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--plain-epochs", type=int, default=2)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    network = torchvision.models.resnet18()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary) / "pictures"
        make_pictures(folder, arguments.pictures)
        model = pathlib.Path(temporary) / "resnet18.pth"
        torch.save(network.state_dict(), model)
        times = {
            "resnetd": ours(arguments.program, model, folder),
            "PyTorch, cached features": cached(network, folder),
            f"PyTorch, plain ({EPOCHS} epochs)": plain(network, folder, arguments.plain_epochs)}
    for name, seconds in times.items():
        print(f"{name}: {seconds:.1f} s, {seconds / times['resnetd']:.2f} x")


if __name__ == "__main__":
    main()
