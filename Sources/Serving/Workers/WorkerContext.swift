/// Everything that workers share.
struct WorkerContext: Sendable {
  let serving: ServingContext
  let queue: AdmissionQueue<ClassificationJob>
  let traffic: Traffic
  let rate: ServiceRate
  let patience = ImagePatience()
}
