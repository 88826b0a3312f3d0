/// Opcodes of pickle protocols 2 to 5 (CPython, Lib/pickletools.py) that plain containers and
/// tensors need.
///
/// Those that make objects of classes (INST, OBJ, NEWOBJ…) make placeholders. All others are
/// rejected: registered extensions, the text forms of protocol 0 but INT, which Python 2 writes in
/// protocol 2 too, buffers outside the stream, and DUP, which no pickler writes.
enum PickleOpcode: UInt8 {
  case proto = 0x80
  case frame = 0x95
  case stop = 0x2e
  case mark = 0x28
  case pop = 0x30
  case popMark = 0x31

  case none = 0x4e
  case newTrue = 0x88
  case newFalse = 0x89
  case integerLine = 0x49
  case integer32 = 0x4a
  case integer8 = 0x4b
  case integer16 = 0x4d
  case long8 = 0x8a
  case long32 = 0x8b
  case float64 = 0x47

  case string32 = 0x54
  case string8 = 0x55
  case text8 = 0x8c
  case text32 = 0x58
  case text64 = 0x8d
  case bytes8 = 0x43
  case bytes32 = 0x42
  case bytes64 = 0x8e
  case byteArray64 = 0x96

  case emptyTuple = 0x29
  case tuple = 0x74
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case emptyList = 0x5d
  case list = 0x6c
  case append = 0x61
  case appends = 0x65
  case emptyDictionary = 0x7d
  case dictionary = 0x64
  case setItem = 0x73
  case setItems = 0x75
  case emptySet = 0x8f
  case addItems = 0x90
  case frozenSet = 0x91

  case get8 = 0x68
  case get32 = 0x6a
  case put8 = 0x71
  case put32 = 0x72
  case memoize = 0x94

  case global = 0x63
  case stackGlobal = 0x93
  case reduce = 0x52
  case newObject = 0x81
  case newObjectEx = 0x92
  case instance = 0x69
  case object = 0x6f
  case build = 0x62
  case persistentID = 0x51
}
