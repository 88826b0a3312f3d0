import Decoding
import Machine
import Telemetry

/// Everything that workers share.
struct WorkerContext: Sendable {
  let limits: ServingLimits
  let log: Log
  let queue: AdmissionQueue<ClassificationJob>
  let traffic: Traffic
  let rate: ServiceRate
  let servingMetrics: ServingMetrics
  let decoders: any DecoderSource
  let memory: MemoryBudget
  let patience = ImagePatience()
}
