/// Orientation of the camera, one of eight: EXIF 2.32, tag 0x0112.
struct Orientation: Hashable {
  /// Whether rows and columns change places, before the mirroring below.
  let swapsAxes: Bool
  /// Whether the upright image runs against the stored one, along its own columns and rows.
  let mirrorsColumns: Bool
  let mirrorsRows: Bool

  /// Reads the tag's value; all but 2 to 8 mean upright.
  init(exifValue: UInt8) {
    swapsAxes = (5...8).contains(exifValue)
    mirrorsColumns = [2, 3, 6, 7].contains(exifValue)
    mirrorsRows = [3, 4, 7, 8].contains(exifValue)
  }

  static let upright = Orientation(exifValue: 1)
}
