import CImageNet

extension Labels {
  /// The names of ImageNet's 1000 classes in torchvision's words; the room's header says where they come from.
  package static var imageNet: [String] {
    // SAFETY: constant text of the length given, as long-lived as the program.
    let text = unsafe UnsafeRawBufferPointer(
      start: imagenet_labels_text(), count: imagenet_labels_byte_count())
    return unsafe text.split(separator: UInt8(ascii: "\n")).map { line in
      unsafe String(decoding: line, as: UTF8.self)
    }
  }
}
