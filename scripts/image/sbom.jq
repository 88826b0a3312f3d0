# The document that scripts/image/sbom writes, without its namespace: SPDX 2.3
# (https://spdx.github.io/spdx-spec/v2.3/).

# A part of an SPDX identifier, which has letters, digits, dots and hyphens alone.
def identifier: gsub("\\+"; "-plus") | gsub("[^A-Za-z0-9.]+"; "-") | sub("-$"; "");

# Debian's names of licences, in lower case, as identifiers of the SPDX licence list.
def known_licences: {
  "afl-2.1": "AFL-2.1", "apache-2": "Apache-2.0", "apache-2.0": "Apache-2.0",
  "artistic": "Artistic-1.0-Perl", "artistic-2.0": "Artistic-2.0", "beerware": "Beerware",
  "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause", "bsd-4-clause": "BSD-4-Clause",
  "bsd-4-clause-uc": "BSD-4-Clause-UC", "bsl-1.0": "BSL-1.0", "bzip2-1.0.6": "bzip2-1.0.6",
  "cc-by-sa-3.0": "CC-BY-SA-3.0", "cc-by-sa-4.0": "CC-BY-SA-4.0", "cc0": "CC0-1.0",
  "cc0-1.0": "CC0-1.0", "curl": "curl", "expat": "MIT", "fsfap": "FSFAP", "fsful": "FSFUL",
  "fsfullr": "FSFULLR", "ftl": "FTL", "isc": "ISC", "libpng": "Libpng", "mit": "MIT",
  "mpl-1.1": "MPL-1.1", "mpl-2.0": "MPL-2.0", "ntp": "NTP", "ofl-1.1": "OFL-1.1",
  "oldap-2.8": "OLDAP-2.8", "openldap-2.8": "OLDAP-2.8", "openssl": "OpenSSL",
  "postgresql": "PostgreSQL", "unicode-dfs-2016": "Unicode-DFS-2016", "x11": "X11", "zlib": "Zlib"
};

def gnu_licences: [
  "GPL-1.0", "GPL-2.0", "GPL-3.0", "LGPL-2.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0", "GFDL-1.2",
  "GFDL-1.3"
];

# The licence's name in the SPDX list, or null.
def listed_licence:
  known_licences[ascii_downcase] // (
    (capture("^(?<family>[A-Z]+)-?v?(?<number>[0-9](\\.[0-9])?)(?<later>\\+?)$") // null)
    | if . == null then null else
        (.family + "-" + .number + (if .number | test("\\.") then "" else ".0" end)) as $name
        | if gnu_licences | index($name) then
            $name + (if .later == "+" then "-or-later" else "-only" end)
          else null end
      end);

# A licence that the list does not have is known by the document's own name.
def own_licence: "LicenseRef-Debian-" + identifier;

def is_expression: test("^[^ ,()|/]+( (and|or) [^ ,()|/]+)*$"; "i");

# The simple licences of a name such as `Expat or GPL-2+`.
def terms: if is_expression then split(" ")[] | select(test("^(and|or)$"; "i") | not) else . end;

# A name as SPDX expressions that all hold; `and` binds closer than `or` in both notations.
def expressions:
  if is_expression then
    [split(" ")[] | if test("^(and|or)$"; "i") then ascii_upcase
      else (listed_licence // own_licence) end]
    | join(" ") | if test(" OR ") then "(" + . + ")" else split(" AND ")[] end
  else own_licence end;

def described($name; $id):
  {SPDXID: ("SPDXRef-" + $id), name: $name, downloadLocation: "NOASSERTION", filesAnalyzed: false,
    licenseConcluded: "NOASSERTION", licenseDeclared: "NOASSERTION", copyrightText: "NOASSERTION"};

def purl: {referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: .};

# The colon of an epoch stands as it is (https://github.com/package-url/purl-spec).
def debian_purl($name; $version; $architecture):
  "pkg:deb/debian/\($name | @uri)@\($version | @uri | gsub("%3A"; ":"))"
  + "?arch=\($architecture)&distro=\($distribution)" | purl;

def sha256: [{algorithm: "SHA256", checksumValue: .}];

# An image by its reference, NAME:TAG or NAME@sha256:DIGEST.
def image($id):
  capture("^(?<name>[^@]*?)(:(?<tag>[^:/@]+))?(@sha256:(?<digest>[0-9a-f]+))?$") as $part
  | ($part.name | sub("^docker.io/"; "") | if test("/") then . else "library/" + . end) as $path
  | described(.; $id) + {
      primaryPackagePurpose: "CONTAINER",
      externalRefs: ["pkg:oci/" + ($path | split("/")[-1])
        + (if $part.digest then "@sha256%3A" + $part.digest else "" end)
        + "?repository_url=docker.io/" + $path
        + (if $part.tag then "&tag=" + $part.tag else "" end) | purl]}
    + (if $part.digest then
        {versionInfo: ("sha256:" + $part.digest), checksums: ($part.digest | sha256)}
      elif $part.tag then {versionInfo: $part.tag} else {} end);

# The licences that each package's copyright file names.
def licences_by_package:
  reduce ($licences | split("\n")[] | select(. != "") | split("\t")) as $line
    ({}; .[$line[0]] += [$line[1]]);

def debian_id: "Debian-" + (.Package | identifier) + "-" + .Architecture;

def debian_package($licences):
  (.Source // .Package | split(" ")[0]) as $source
  | ((.Source // "" | capture("\\((?<version>.*)\\)").version) // .Version) as $source_version
  | described(.Package; debian_id) + {
      versionInfo: .Version, supplier: "Organization: Debian",
      sourceInfo: "built from Debian source package \($source) \($source_version)",
      externalRefs: [debian_purl(.Package; .Version; .Architecture)]}
    + (if .Homepage then {homepage: .Homepage} else {} end)
    + ($licences[.Package] // [] | if . == [] then
        {licenseComments: "the copyright file in /usr/share/doc is for people to read alone"}
      else {licenseDeclared: ([.[] | expressions] | unique | join(" AND "))} end);

def model:
  described(.name; "Model-" + (.name | identifier)) + {
    versionInfo: .digest[:16], packageFileName: .file, checksums: (.digest | sha256),
    supplier: "Organization: The resnetd authors", primaryPackagePurpose: "FILE",
    licenseDeclared: "Apache-2.0", licenseComments: .provenance.licence,
    description: .provenance.recipe, comment: ("Learned from: " + .provenance.data)};

def relation($from; $kind; $to):
  {spdxElementId: ("SPDXRef-" + $from), relationshipType: $kind,
    relatedSpdxElement: ("SPDXRef-" + $to)};

licences_by_package as $licences_of
| ($installed[0] | sort_by(.Package, .Architecture)) as $packages
| ($needed | split("\n") | map(select(. != ""))) as $needed_names
| [$packages[] | select(.Package | IN($needed_names[]))] as $linked
| [$packages[].Package as $name | $licences_of[$name] // [] | .[]] as $names
| (if $commit == "" then "sources of no known commit" else "git commit \($commit)" end) as $origin
| {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: "resnetd-\($version)",
    documentNamespace: null,
    creationInfo: {
      created: $created,
      creators: ["Organization: The resnetd authors", "Tool: scripts/image/sbom-\($version)"]
    },
    packages: (
      [
        described("resnetd image"; "Image") + {
          versionInfo: $version, supplier: "Organization: The resnetd authors",
          primaryPackagePurpose: "CONTAINER", sourceInfo: "built from \($origin)",
          comment: (if $snapshot == "" then "Debian packages of the day it was built"
            else "Debian packages of snapshot.debian.org at \($snapshot)" end)},
        described("resnetd"; "Program") + {
          versionInfo: $version, packageFileName: "/usr/local/bin/resnetd",
          supplier: "Organization: The resnetd authors", primaryPackagePurpose: "APPLICATION",
          licenseDeclared: "Apache-2.0", sourceInfo: "built from \($origin)",
          checksums: ($digest | sha256), externalRefs: ["pkg:generic/resnetd@\($version)" | purl]},
        described("Swift runtime"; "Swift") + {
          versionInfo: $swift, supplier: "Organization: Swift project",
          primaryPackagePurpose: "LIBRARY",
          licenseDeclared: "Apache-2.0 WITH Swift-exception",
          homepage: "https://www.swift.org/",
          comment: "Standard library and Dispatch, inside the program",
          externalRefs: ["pkg:github/swiftlang/swift@swift-\($swift)-RELEASE" | purl]},
        described("ca-certificates"; "Certificates") + {
          versionInfo: $certificates, packageFileName: "/etc/ssl/certs/ca-certificates.crt",
          supplier: "Organization: Debian", primaryPackagePurpose: "FILE",
          comment: "The list alone, made of the package of the build image",
          externalRefs: [debian_purl("ca-certificates"; $certificates; "all")]},
        ($models[] | model),
        ($debian_image | select(. != "") | image("Base")),
        ($swift_image | select(. != "") | image("Build"))
      ]
      + [$packages[] | debian_package($licences_of)]),
    hasExtractedLicensingInfos: (
      [$names[] | (if is_expression then terms | select(listed_licence | not) else . end)]
      | unique | map({
          licenseId: own_licence, name: .,
          extractedText: ("So Debian's copyright files name it; the text is in "
            + "/usr/share/doc/PACKAGE/copyright of each package that declares it.")})
      | unique_by(.licenseId)),
    relationships: (
      [
        relation("DOCUMENT"; "DESCRIBES"; "Image"),
        relation("Image"; "CONTAINS"; "Program"),
        relation("Image"; "CONTAINS"; "Certificates"),
        relation("Program"; "STATIC_LINK"; "Swift"),
        ($models[] | relation("Program"; "CONTAINS"; "Model-" + (.name | identifier))),
        ($debian_image | select(. != "") | relation("Image"; "DESCENDANT_OF"; "Base")),
        ($swift_image | select(. != "") | relation("Build"; "BUILD_TOOL_OF"; "Program"))
      ]
      + [$packages[] | relation("Image"; "CONTAINS"; debian_id)]
      + [$linked[] | relation("Program"; "DYNAMIC_LINK"; debian_id)])
  }
