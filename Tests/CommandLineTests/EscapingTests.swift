import Testing

@testable import s3remedy

struct EscapingTests {
    @Test(arguments: [
        ("plain/kéy 請求.pdf", "plain/kéy 請求.pdf"), ("a\nb\r\n\t", "a\\nb\\r\\n\\t"),
        ("\u{1b}[31m", "\\u{1b}[31m"), ("\u{0}\u{7f}\u{9b}", "\\u{0}\\u{7f}\\u{9b}"),
        ("\u{202e}\u{2066}\u{200f}", "\\u{202e}\\u{2066}\\u{200f}"), ("a\\n", "a\\\\n"),
        ("\u{200b}\u{feff}\u{2028}\u{e0001}", "\\u{200b}\\u{feff}\\u{2028}\\u{e0001}"),
    ])
    func `what a terminal could obey is escaped`(text: String, expected: String) {
        #expect(shown(text) == expected)
    }

    @Test func `no shown text holds a control or format character, and none is ambiguous`() {
        var count = 0
        var texts: Set<String> = []
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            count += 1
            let text = shown(String(scalar))
            #expect(!text.unicodeScalars.contains(where: needsEscape))
            texts.insert(text)
        }
        // Canonically equivalent scalars are equal as Strings; all others differ.
        #expect(texts.count > count - 1100)
        print("\(count) scalars")
    }

    @Test(arguments: [
        ("", 0), ("abc", 3), ("請求書", 6), ("e\u{301}", 1), ("🧾", 2), ("ｱ", 1), ("Ａ", 2),
        ("한글", 4), ("é", 1),
    ])
    func `wide characters count twice and combining marks not at all`(text: String, width: Int) {
        #expect(displayWidth(text) == width)
    }

    @Test func `an elided text keeps both ends and never exceeds its width`() {
        #expect(elided("2026/11/invoice-00001.pdf", to: 11) == "2026/…1.pdf")
        #expect(elided("short", to: 5) == "short")
        var count = 0
        for text in ["2026/11/invoice-00001.pdf", "請求書/請求書", "e\u{301}e\u{301}e\u{301}", "🧾🧾🧾"] {
            for width in 0...12 {
                count += 1
                #expect(displayWidth(elided(text, to: width)) <= width)
                #expect(width == 0 || displayWidth(cut(text, to: width)) <= width)
            }
        }
        print("\(count) cases")
    }

    @Test func `lines are broken at blanks and long words stay whole`() {
        #expect(wrapped("one two three", to: 7) == ["one two", "three"])
        #expect(
            wrapped("a https://example.com/long b", to: 6) == [
                "a", "https://example.com/long", "b",
            ])
        #expect(wrapped("", to: 6) == [])
    }

    @Test(arguments: [
        ("orders/a-b_c.txt", "orders/a-b_c.txt"), ("a b", "'a b'"), ("it's", "'it'\\''s'"),
        ("", "''"), ("$(reboot)", "'$(reboot)'"), ("a\nb", "'a\\nb'"),
    ])
    func `words for a shell are quoted`(text: String, word: String) {
        #expect(shellWord(text) == word)
    }

    @Test func `json escapes what a terminal could obey and nothing else`() {
        #expect(
            json(["k": "a\u{9b}\u{202e}é/\n\u{e0001}"])
                == #"{"k":"a\u009b\u202eé/\n\udb40\udc01"}"#)
    }

    @Test func `a csv cell is quoted by scalars`() {
        #expect(
            csvRecord(["a", "b,c", "d\"\u{301}e", "f\ng"])
                == "a,\"b,c\",\"d\"\"\u{301}e\",\"f\ng\"\r\n")
    }
}
