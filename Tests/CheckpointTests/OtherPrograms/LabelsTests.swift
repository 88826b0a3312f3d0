import Checkpoint
import Testing

/// Labels files of every form that other tools write.
@Suite struct LabelsTests {
  private func read(_ text: String, path: String = "labels.txt") throws -> [String] {
    try Labels.read(bytes: Array(text.utf8), path: path)
  }

  private func failure(_ text: String, path: String = "labels.txt") -> String {
    do {
      return "it passed: \(try read(text, path: path))"
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "Each form gives the same labels in order",
    arguments: [
      "cat\ndog\nhen", "cat\ndog\nhen\n", "cat\r\ndog\r\nhen\r\n",
      "\u{feff}cat\ndog\nhen\n\n \n\r\n",
      " cat \n\tdog\nhen", #"["cat", "dog", "hen"]"#, "\u{feff}[\"cat\",\r\n\"dog\", \"hen\"]\r\n",
      #"{"0": "cat", "1": "dog", "2": "hen"}"#, #"{"2": "hen", "0": "cat", "1": "dog"}"#,
      #"{"cat": 0, "dog": 1, "hen": 2}"#, #"{"hen": 2, "cat": 0, "dog": 1}"#,
      #"{"0": ["n01", "cat"], "1": ["n02", "dog"], "2": ["n03", "hen"]}"#,
      #"{"model_type": "resnet", "id2label": {"0": "cat", "1": "dog", "2": "hen"}}"#,
      #"{"class_to_idx": {"cat": 0, "dog": 1, "hen": 2}, "epoch": 3}"#,
      #"{"label_names": ["cat", "dog", "hen"], "num_classes": 3}"#,
      "index,label\n0,cat\n1,dog\n2,hen\n", "label,index\nhen,2\ncat,0\ndog,1",
      "Class ID;Class Name\r\n0;cat\r\n1;dog\r\n2;hen\r\n\r\n", "id\tname\n2\then\n1\tdog\n0\tcat",
      "0:cat\n1:dog\n2:hen\n", "2 : hen\n0 : cat\n1 : dog", "0. cat\n1. dog\n2. hen",
      "0) cat\n1) dog\n2) hen", "0=cat\n1=dog\n2=hen", "0 - cat\n1 - dog\n2 - hen",
      "0: 'cat'\n1: \"dog\"\n2: hen", "- cat\n- dog\n- hen\n", "  - 'cat'\n  - \"dog\"\n  - hen\n",
      "0 cat\n1 dog\n2 hen\n", "2: hen\n0: cat\n1: dog", " 00  cat\n01\u{a0}dog\n02  hen",
      "cat 0\ndog 1\nhen 2\n", "hen: 2\ncat: 0\ndog: 1\n", "dog=1\nhen = 2\ncat =0",
      "cat\rdog\rhen\r", "0 cat\r1 dog\r2 hen", ",label\n0,cat\n1,dog\n2,hen\n",
      "Unnamed: 0,name\n2,hen\n0,cat\n1,dog\n", #"{"cat": "0", "dog": "1", "hen": 2}"#,
      "0,cat\n1,dog\n2,hen\n", "1\tdog\n0\tcat\n2\then", "cat;0\nhen;2\ndog;1\n",
      "class,name\n0,cat\n1,dog\n2,hen\n", "name,class\nhen,2\ncat,0\ndog,1\n",
      "label;class\n1;dog\n0;cat\n2;hen", "label\tname\n0\tcat\n2\then\n1\tdog",
      "class,class_name\n0,cat\n1,dog\n2,hen", "class-id,class-name\n0,cat\n1,dog\n2,hen",
      "category_id,category\n0,cat\n1,dog\n2,hen", "target,class\n0,cat\n1,dog\n2,hen",
      "id,class,name\nn01,2,hen\nn02,0,cat\nn03,1,dog", "id,breed\n0,cat\n1,dog\n2,hen\n",
      "breed,class\ncat,0\ndog,1\nhen,2\n", "Index;Species\n2;hen\n0;cat\n1;dog\n",
      "class,name,folder\n0,cat,a\n1,dog,b\n2,hen,c\n",
      "\u{feff}\"idx\",\"label\",\"wnid\"\n0,\"cat\",n01\n1, \"dog\" ,n02\n2,hen,n03",
    ])
  func forms(text: String) throws {
    #expect(try read(text) == ["cat", "dog", "hen"])
  }

  @Test(
    "Labels that begin or end as a number or begin as an item of a list do stay as they are",
    arguments: [
      ["0.5 mm", "1.5 mm"], ["3-D", "2-D"], ["1st", "2nd"], ["-", "- "], ["-5", "-6"],
      ["cat", "- dog", "hen"], ["12", "13"], ["class 0", "class 1", "class 2"],
      ["0mm", "1mm"], ["\"cat\" food", "dog"], ["Boeing 737", "Airbus 320"],
      ["level 1", "level 2"], ["cat 0"], ["MiG-1", "Su-0"],
    ])
  func beginnings(labels: [String]) throws {
    #expect(
      try read(labels.joined(separator: "\n")) == labels.map { $0 == "- " ? "-" : $0 })
  }

  @Test(
    "Another form is refused by its name, with one that is read",
    arguments: [
      ("names:\n  0: cat\n  1: dog\n", "a document in YAML"),
      ("names:\n- cat\n- dog\n", "a document in YAML"), ("---\n- cat\n- dog\n", "in YAML"),
      ("['cat', 'dog']\n", "a list or dictionary of Python, not JSON"),
      ("{0: 'cat', 1: 'dog'}\n", "a list or dictionary of Python"),
      ("[\n 'cat',\n 'dog',\n]\n", "json.dump"),
      ("classes = ['cat', 'dog']\n", "a program in Python"),
      ("item {\n  id: 1\n  name: 'cat'\n}\n", "a label map of TensorFlow (pbtxt)"),
      ("- cat\n- dog\nhen\n", "line 3: it does not begin with a hyphen and a blank, as 2 of 3"),
      ("- cat\n- [dog]\n", "line 2: it is more than a plain item"),
      ("- cat\n- 'it''s'\n", "line 2: it is more than a plain item"),
      ("4:3\n16:9\n", "JSON list"),
      ("class 1\nclass 0\n", "which may be that of the class or part of its label"),
      ("cat 1\ndog 2\n", "ends with a number from 1 on"),
      ("(0) cat\n(1) dog\n", "in a form that is not read"), ("0 cat\n#1 dog", "line 2: each line"),
      ("0.cat\n1.dog\n", "in a form that is not read"), ("0|cat\n1|dog\n", "is not read"),
      ("\"cat\",\n\"dog\",\n", "a list of labels in quotes, without brackets"),
      ("'cat'\n'dog'\n", "a list of labels in quotes, without brackets"),
    ])
  func otherForms(text: String, expected: String) {
    let reason = failure(text)
    #expect(reason.contains(expected), "\(reason)")
    #expect(reason.contains("JSON"), "\(reason)")
  }

  @Test(
    "A table of one column may have a header, which is not a label",
    arguments: [
      "label\ncat\n\"dog, big\"\nhen\n",
      "\u{feff}\"Class Name\"\r\ncat\r\n\"dog, big\"\r\nhen\r\n",
      "cat\n\"dog, big\"\nhen",
    ])
  func column(text: String) throws {
    #expect(try read(text, path: "labels.csv") == ["cat", "dog, big", "hen"])
  }

  @Test(
    "A table that may be read in two ways is refused with what decides",
    arguments: [
      (
        "label\ncat\n", "labels.txt", "line 1: \"label\" may be the header of a column or the first"
      ),
      ("cat,tom\ndog,rex\n", "labels.csv", "line 1: the table has 2 columns, and its first row"),
      ("label,count\ncat,3\n", "labels.csv", "write it, such as index,label"),
      ("cat\ndog, big\n", "labels.csv", "line 2: fields in the row: 2, in the first one: 1"),
      ("label\n", "labels.csv", "has a header and no row"),
      ("label\ncat\n\nhen\n", "labels.tsv", "line 3: class 1: the label is empty"),
      ("0,1\n1,0\n", "labels.csv", "the table has 2 columns"),
      (
        "id,name,label\n0,n01,tench\n1,n02,shark\n", "labels.csv",
        "the columns \"label\", \"name\" may all be the labels"
      ),
      (
        "id,index,name\n0,1,tench\n1,0,shark\n", "labels.csv",
        "\"index\" and \"id\" number the classes in two ways"
      ),
      ("class,name\nn01,tench\nn02,shark\n", "labels.csv", "does not name one for the class's"),
      ("class,name\nn01,tench\nn02,shark\n", "labels.txt", "are those of a table of 2 columns"),
      ("class,name\n0,tench,x\n1,shark\n", "labels.csv", "line 2: fields in the row: 3"),
      ("class,name\n1,tench\n2,shark\n", "labels.txt", "numbers begin with 0"),
      ("class,name\n", "labels.txt", "has a header and no row"),
      ("class,label\n0,1\n1,0\n", "labels.csv", "number the classes in two ways"),
      ("id,count\n0,10\n1,12\n", "labels.csv", "such as index,label"),
      ("key,breed,from\n0,beagle,uk\n1,akita,jp\n", "labels.txt", "such as index,label"),
      (
        "id,name\nn01,tench\nn02,shark\n", "labels.csv",
        "the class's number is \"n01\"; the column \"id\" must have whole numbers from 0 on"
      ),
      (
        "idx,class,name\n0,1,tench\n1,0,shark\n", "labels.csv",
        "\"idx\" and \"class\" number the classes in two ways"
      ),
    ])
  func ambiguous(text: String, path: String, expected: String) {
    #expect(failure(text, path: path).contains(expected), "\(failure(text, path: path))")
  }

  @Test("Lines with commas of which none is a header stay as they are")
  func lines() throws {
    for text in ["no, thanks\nyes, please", "class, first\nclass, second", "id, ego\nsuper, ego"] {
      #expect(try read(text) == text.split(separator: "\n").map(String.init))
    }
  }

  @Test("Of columns with names of labels one has words")
  func numberedTwice() throws {
    let text = "id,label,name\n0,0,cat\n1,1,dog\n2,2,hen\n"
    #expect(try read(text, path: "labels.csv") == ["cat", "dog", "hen"])
  }

  @Test("A document whose numbers contradict each other is refused, but for names of no meaning")
  func contradiction() throws {
    func document(_ numbers: String) -> String {
      #"{"id2label": {"0": "cat", "1": "dog", "2": "dog"}, "label2id": {\#(numbers)}}"#
    }
    #expect(
      failure(document(#""cat": 1, "dog": 0"#)).contains(
        "\"cat\" is class 0 by the labels and class 1 by label2id"))
    #expect(
      failure(#"{"class_to_idx": {"cat": 0, "dog": 1}, "classes": ["dog", "cat"]}"#).contains(
        "are others than those of another member"))
    for numbers in [
      #""cat": 0, "dog": 1"#, #""cat": 0, "dog": 2"#, #""LABEL_0": 0, "LABEL_1": 1"#, "",
    ] {
      #expect(try read(document(numbers)) == ["cat", "dog", "dog"])
    }
  }

  @Test("WordNet's numbers belong to ImageNet's classes in their order, and to no other labels")
  func synsets() {
    let (labels, synsets) = (Labels.imageNet, Labels.imageNetSynsets)
    #expect(synsets.count == 1000 && Set(synsets).count == 1000 && synsets == synsets.sorted())
    // WordNet 3.0: tench, tabby cat, toilet tissue.
    let numbers = ["tench": "n01440764", "tabby": "n02123045", "toilet tissue": "n15075141"]
    for (label, number) in numbers {
      #expect(labels.firstIndex(of: label) == synsets.firstIndex(of: number))
    }
    #expect(Labels.areImageNet(labels))
    #expect(Labels.areImageNet(labels.map { "\($0.uppercased()), also called so" }))
    #expect(!Labels.areImageNet(labels.reversed()))
    #expect(!Labels.areImageNet(Array(labels.dropLast())))
  }

  @Test("Labels may have commas, quotes and brackets")
  func punctuation() throws {
    #expect(
      try read("tench, Tinca tinca\n[background]\n{x}\n") == [
        "tench, Tinca tinca", "[background]", "{x}",
      ])
    #expect(try read("[background]\ncat") == ["[background]", "cat"])
    #expect(
      try read("index,label\n0,\"tench, Tinca tinca\"\n1,\"the \"\"big\"\" one\"") == [
        "tench, Tinca tinca", "the \"big\" one",
      ])
    // Some labels begin with a number.
    #expect(try read("7 up\ncola") == ["7 up", "cola"])
    #expect(try read("0\n1\n") == ["0", "1"])
    // Numbers may be the names of classes.
    #expect(try read(#"{"7": 0, "3": 1}"#) == ["7", "3"])
    // Read either way it says the same.
    #expect(try read(#"{"0": "1", "1": "0"}"#) == ["1", "0"])
  }

  @Test(
    "What is wrong is said with its line and what was found",
    arguments: [
      ("cat\n\nhen\n", "line 2: the label is empty"), ("\n", "the file is empty"),
      ("", "the file is empty"), ("\u{feff}", "the file is empty"),
      ("cat\nd\u{7}og\n", "line 2: the label has a control character"),
      ("[]", "the JSON list is empty"), (#"["cat", 1]"#, "item 1 of the JSON list is not a string"),
      (#"["cat", ""]"#, "class 1: the label is empty"),
      ("{}", "neither a list of labels nor an object"),
      (#"{"0": "cat", "2": "hen"}"#, "class 2 of 2 labels, which are those of the classes 0 to 1"),
      (#"{"0": "cat", "00": "dog"}"#, "class 0 has two labels, \"cat\" and \"dog\""),
      (#"{"cat": 1, "dog": 2}"#, "class 2 of 2 labels"), (#"{"cat": -1}"#, "class -1 of 1 labels"),
      (
        #"{"0": "1", "1": "2", "2": "0"}"#,
        #""0" and "1" are both numbers of classes, so that either may be the label of the other"#
      ),
      (#"{"cat": 0.5}"#, "member \"cat\" of the JSON object is neither"),
      (#"{"cat": [0]}"#, "member \"cat\""), (#"{"0": "cat", "0": "dog"}"#, "JSON: "),
      ("[\"cat\",\n\"dog\"", "JSON: "), ("{\n\"0\": \"cat\",\n}", "line 3: JSON: "),
      ("1 cat\n2 dog\n", "line 2: class 2 of 2 labels"),
      (
        "1 cat\n2 dog\n",
        "write all from 0 on, or, if the numbers are part of the labels, a JSON list"
      ),
      (
        "0 cat\n0 dog\n",
        "line 2: class 0 has two labels, \"cat\" and \"dog\"; each line begins with"
      ),
      ("0 cat\n1 dog\nhen\n", "line 3: it has no number, and 2 of 3 lines begin with one"),
      ("index,label\n", "has a header and no row"),
      ("index,label\n0,cat\n1\n", "line 3: fields in the row: 1, in the header: 2"),
      ("index,label\n0,\"cat\n1,dog", "line 2: a quote is opened and not closed"),
      ("index,label\nx,cat", "line 2: the class's number is \"x\""),
      ("index,label\n0,cat\n\n1,dog", "line 3: fields in the row: 1, in the header: 2"),
      ("index,label\n1,cat\n1,dog", "line 3: class 1 has two labels"),
      ("index,label\n0,cat\n7,dog", "line 3: class 7 of 2 labels"),
    ])
  func faults(text: String, expected: String) {
    let reason = failure(text)
    #expect(reason.hasPrefix("labels.txt, line "), "\(reason)")
    #expect(reason.contains(expected), "\(reason)")
  }

  @Test("Other encodings are named")
  func encodings() {
    for (bytes, expected) in [
      ([0xff, 0xfe, 0x63, 0, 0x0a, 0], "text in UTF-16, and is read as UTF-8: save it as UTF-8"),
      ([0x63, 0, 0x0a, 0], "text in UTF-16LE, and is read as UTF-8"),
      ([0x47, 0x72, 0xf6, 0xdf, 0x65], "line 1: it is not UTF-8, which the file must be in: "),
      ([0x61, 0x0a, 0xe4, 0x0a], "line 2: it is not UTF-8, which the file must be in: save it as"),
    ] as [([UInt8], String)] {
      do throws(CheckpointError) {
        _ = try Labels.read(bytes: bytes, path: "x")
        Issue.record("it passed")
      } catch {
        #expect("\(error)".contains(expected), "\(error)")
      }
    }
  }

  @Test("A file called .json must be JSON, and JSON has limits")
  func limits() {
    #expect(failure("[background]\ncat", path: "labels.json").contains("JSON: "))
    #expect(failure("[\"cat\" \"dog\"]").contains("JSON: "))
    let nested = String(repeating: "[", count: 1 << 20) + String(repeating: "]", count: 1 << 20)
    #expect(failure(nested).contains("JSON: "))
    let many = "[" + String(repeating: "[],", count: 1 << 20) + "[]]"
    #expect(failure(many).contains("braces, brackets and commas of labels.txt"))
  }
}
