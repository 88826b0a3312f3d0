import Checkpoint
import ResNet
import Testing

/// Graph documents that this program did not write.
@Suite struct HostileGraphTests {
  private func failure(_ file: GraphFile) throws -> String? {
    let bytes = try file.bytes
    do throws(CheckpointError) {
      _ = try Model.load(bytes: bytes, fileName: "x")
      return nil
    } catch {
      return error.description
    }
  }

  private func spoiled(_ part: String, _ other: String) throws -> GraphFile {
    var file = GraphFile()
    try #require(file.document.contains(part))
    file.document = file.document.replacing(part, with: other)
    return file
  }

  @Test("The file that the others are made of is good")
  func good() throws {
    #expect(try failure(GraphFile()) == nil)
  }

  @Test(
    "What is wrong in a graph is said with its node",
    arguments: [
      (#""convolution""#, #""attention""#, #"node "c": unknown operation "attention""#),
      (#""convolution""#, #""input""#, "unknown operation"),
      (#""convolution""#, #""a\u0007""#, #"unknown operation "a_""#),
      (#""convolution""#, "7", #"node "c": operation is not a text"#),
      (#""operation":"convolution","#, "", #"node "c": operation is missing"#),
      (#""kernel":[1,1]"#, #""kernel":[1,1],"pads":[1,1]"#, #"node "c": unknown key "pads""#),
      (#""window":[2,2]"#, #""window":[2,2],"counts_padding":true"#, "unknown key"),
      (#""outputs":3"#, #""outputs":3,"epsilon":1"#, #"node "fc": unknown key"#),
      (#","kernel":[1,1]"#, "", #"node "c": kernel is missing"#),
      (#""channels":2"#, #""channels":0"#, #"node "c": channels is not a whole number from 1"#),
      (#""channels":2"#, #""channels":-1"#, "channels is not a whole number"),
      (#""channels":2"#, #""channels":1e99"#, "channels is not a whole number"),
      (#""channels":2"#, #""channels":9223372036854775807"#, "channels is not a whole number"),
      (#""channels":2"#, #""channels":268435456"#, "element count"),
      (#""channels":2"#, #""channels":2,"groups":2"#, "3 channels cannot be divided"),
      (#""channels":2"#, #""channels":2,"groups":0"#, "groups is not a whole number"),
      (#""channels":2"#, #""channels":2,"bias":1"#, "bias is not true or false"),
      (#""channels":2"#, #""channels":2,"stride":[0,1]"#, "stride is not two whole numbers"),
      (
        #""channels":2"#, #""channels":2,"padding":[-1,0]"#,
        "padding is not two or four whole numbers"
      ),
      (#""channels":2"#, #""channels":2,"dilation":[65537,1]"#, "dilation is not"),
      (#""window":[2,2]"#, #""window":[9,2]"#, "does not fit"),
      (#""window":[2,2]"#, #""window":[2,2],"padding":[2,0]"#, "padding as wide as the window"),
      (#"["input"]"#, "[]", #"node "c": 0 inputs, the operation takes 1"#),
      (#"["input"]"#, #"["input","input"]"#, "2 inputs"),
      (#"["input"]"#, #""input""#, "inputs is not a list of strings"),
      (#"["input"]"#, #"["c"]"#, #"node "c" reads "c", which is not a node before it"#),
      (#"["input"]"#, #"["fc"]"#, #"node "c" reads "fc", which is not a node before it"#),
      (#"["input"]"#, "[0]", "inputs is not a list of strings"),
      (#""name":"p""#, #""name":"c""#, #"two nodes are called "c""#),
      (#""name":"p""#, #""name":"input""#, #"two nodes are called "input""#),
      (#""name":"p""#, #""name":"""#, "printable"),
      (#""name":"p""#, #""name":"\n""#, "printable"),
      (#""name":"p""#, #""name":"\#(String(repeating: "x", count: 321))""#, "printable"),
      (#""name":"p","#, "", "printable"),
      (#"["g"]"#, #"["p"]"#, #"nothing reads node "g""#),
      (#""outputs":3"#, #""outputs":1000001"#, "classes: 1000001"),
      (#""outputs":3"#, #""outputs":2"#, "shape [3], the network needs [2]"),
      (
        #"{"name":"g","operation":"global_average_pool","inputs":["p"]},"#
          + #"{"name":"fc","operation":"linear","inputs":["g"],"outputs":3}"#,
        #"{"name":"fc","operation":"relu","inputs":["p"]}"#, "not that of a classifier"
      ),
      (#""channels":3,"height":8"#, #""channels":33,"height":8"#, "channels of the input: 33"),
      (#""channels":3,"height":8"#, #""channels":0,"height":8"#, "channels of the input: 0"),
      (#""channels":3,"height":8"#, #""channels":3,"height":0"#, "a side of the input: 0"),
      (#""channels":3,"height":8"#, #""channels":3,"height":5000"#, "a side of the input"),
      (#""channels":3,"height":8"#, #""channels":3,"height":16"#, "preprocessing gives 8x8"),
      (#""nodes":["#, #""nodes":[1,"#, "a node is not a JSON object"),
      (#""nodes":["#, #""knots":["#, "nodes is missing"),
      (#""input":{"channels""#, #""output":{"channels""#, "input is missing"),
      (#""graph":\#(GraphFile.graph)"#, #""graph":1"#, "graph"),
      (
        #""graph":\#(GraphFile.graph)"#, #""graph":null"#,
        "architecture is missing, and so is graph"
      ),
      (
        #""graph":"#,
        #""architecture":{"stem":"cifar","block":"basic","stages":[{"blocks":1,"#
          + #""width":4}],"shortcut":"A","class_count":3,"input_size":8},"graph":"#,
        "exclude each other"
      ),
    ] as [(String, String, String)])
  func documents(part: String, other: String, expected: String) throws {
    let found = try failure(spoiled(part, other))
    #expect(found?.contains(expected) == true, "\(found ?? "it passed")")
  }

  @Test(
    "A graph of more work than any image is worth is refused, and nothing overflows",
    arguments: [
      (
        #""operation":"convolution","channels":268435456,"kernel":[65536,65536],"#
          + #""padding":[32768,32768],"stride":[65536,65536]"#, "multiply-adds"
      ),
      (#""operation":"linear","outputs":268435456"#, "multiply-adds"),
      (#""operation":"padded_shortcut","channels":268435455"#, "channels is 268435455"),
    ])
  func work(operation: String, expected: String) throws {
    var file = GraphFile()
    file.document = file.document.replacing(
      GraphFile.graph,
      with: """
        {"input":{"channels":3,"height":8,"width":8},"nodes":[\
        {"name":"c","operation":"convolution","inputs":["input"],"channels":268435456,\
        "kernel":[8,8]},{"name":"d","inputs":["c"],\(operation)},\
        {"name":"fc","operation":"linear","inputs":["d"],"outputs":3}]}
        """)
    let found = try failure(file)
    #expect(found?.contains(expected) == true, "\(found ?? "it passed")")
  }

  @Test("Nodes are counted before they are kept")
  func count() throws {
    var nodes = "{\"name\":\"n0\",\"operation\":\"relu\",\"inputs\":[\"input\"]}"
    for index in 1...65_536 {
      nodes += ",{\"name\":\"n\(index)\",\"operation\":\"relu\",\"inputs\":[\"n\(index - 1)\"]}"
    }
    var file = GraphFile()
    file.document = file.document.replacing(
      GraphFile.graph,
      with: "{\"input\":{\"channels\":3,\"height\":8,\"width\":8},\"nodes\":[\(nodes)]}")
    let found = try failure(file)
    #expect(found?.contains("nodes of the graph") == true, "\(found ?? "it passed")")
  }

  @Test("Tensors are those of the graph: none missing, none over, in shape, sound")
  func tensors() throws {
    var file = GraphFile()
    file.tensors["fc.bias"] = nil
    #expect(try failure(file)?.contains("fc.bias is missing") == true)
    file = GraphFile()
    file.tensors["model.fc.bias"] = file.tensors["fc.bias"]
    #expect(try failure(file)?.contains("model.fc.bias") == true)
    file = GraphFile()
    file.tensors["c.weight"] = Tensor(shape: [2, 3], storage: [1, 2, 3, 4, 5, 6])
    #expect(try failure(file)?.contains("needs [2, 3, 1, 1]") == true)
    file = GraphFile()
    file.tensors["fc.bias"] = Tensor(shape: [3], storage: [1, .nan, 2])
    #expect(try failure(file)?.contains("fc.bias") == true)
  }
}
