/// Text from outside as a terminal may show it. Control characters, format characters (those that turn the direction
/// of text or have no width), separators of lines and unassigned characters become escapes, and a backslash is
/// doubled, so that nothing shown is ambiguous: `a\nb`, `\u{1b}[31m`, `\u{202e}`.
func shown(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { needsEscape($0) || $0 == "\\" }) else {
        return text
    }
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": result += "\\\\"
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        default:
            if needsEscape(scalar) {
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }
    return result
}

/// Whether a terminal could take the character for a command, or a reader for nothing.
func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
    if (0x20...0x7E).contains(scalar.value) { return false }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned,
        .privateUse:
        return true
    default:
        return false
    }
}

/// The columns that a terminal needs for `text`, which must have gone through `shown`. East Asian wide characters
/// and emoji take 2, combining marks 0. Source: Unicode Standard Annex #11.
func displayWidth(_ text: some StringProtocol) -> Int {
    text.unicodeScalars.reduce(0) { $0 + displayWidth($1) }
}

private func displayWidth(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    if scalar.properties.isEmojiPresentation { return 2 }
    return wideRanges.contains { $0.contains(scalar.value) } ? 2 : 1
}

private let wideRanges: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
    0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF,
    0x20000...0x3FFFD,
]

/// `text` in at most `width` columns, with an ellipsis in the middle where it was longer: the ends of keys differ
/// more than their middles.
func elided(_ text: String, to width: Int) -> String {
    guard displayWidth(text) > width else { return text }
    guard width > 1 else { return width == 1 ? "…" : "" }
    let tailWidth = (width - 1) / 2
    let head = fitting(text, width: width - 1 - tailWidth)
    let tail = fitting(text.reversed(), width: tailWidth).reversed()
    return head + "…" + String(tail)
}

/// `text` in at most `width` columns, with an ellipsis at the end where it was longer.
func cut(_ text: String, to width: Int) -> String {
    displayWidth(text) > width ? fitting(text, width: width - 1) + "…" : text
}

private func fitting(_ characters: some Sequence<Character>, width: Int) -> String {
    var result = ""
    var used = 0
    for character in characters {
        used += displayWidth(String(character))
        if used > width { break }
        result.append(character)
    }
    return result
}

/// `text` broken at blanks into lines of at most `width` columns. A longer word stays whole: keys and URLs are copied.
func wrapped(_ text: String, to width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty, displayWidth(line) + 1 + displayWidth(word) > width {
            lines.append(line)
            line = ""
        }
        line += line.isEmpty ? String(word) : " " + word
    }
    return line.isEmpty ? lines : lines + [line]
}
