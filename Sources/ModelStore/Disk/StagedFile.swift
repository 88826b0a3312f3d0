import Glibc

/// A new file in the folder of uploads, which stays until it is renamed or removed by name.
struct StagedFile: ~Copyable, Sendable {
  let name: String
  private let folder: Folder
  private let descriptor: CInt

  init(in folder: Folder) throws(StoreError) {
    self.folder = folder
    name = "\(String(UInt64.random(in: 0...UInt64.max), radix: 16)).part"
    descriptor = try folder.create(name)
  }

  deinit { close(descriptor) }

  borrowing func write(_ bytes: RawSpan) throws(StoreError) {
    var offset = 0
    while offset < bytes.byteCount {
      let rest = bytes.extracting(droppingFirst: offset)
      offset += try folder.perform(.write, name, byteCount: rest.byteCount) {
        unsafe rest.withUnsafeBytes { buffer in
          // SAFETY: the system reads `count` bytes of the buffer during the call.
          unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
        }
      }
    }
  }

  borrowing func sync() throws(StoreError) {
    try folder.perform(.sync, name) { Int(fsync(descriptor)) }
  }
}
