/// Value of an option that switches something.
enum Switch: String, CaseIterable, Sendable { case on, off }
