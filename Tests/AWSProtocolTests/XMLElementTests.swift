internal import AWSProtocol
internal import Testing

private func parse(_ text: String) throws(XMLFailure) -> XMLElement {
    try XMLElement(parsing: Array(text.utf8))
}

@Test func `elements, texts and references are read; namespaces, attributes and comments are not`()
    throws
{
    let root = try parse(
        """
        <?xml version="1.0"?><a xmlns="urn:x" xmlns:n="urn:y" k="v"><!-- c --><n:b>1 &lt;&#13;&amp;</n:b>
        <b><![CDATA[<2>]]></b><c/></a>
        """)
    #expect(root.name == "a")
    #expect(root.all("b").map(\.text) == ["1 <\r&", "<2>"])
    #expect(root.text("c") == "")
    #expect(root.text("c", "d") == nil)
}

@Test func `a document type is refused, whatever it declares`() {
    let bomb =
        "<!DOCTYPE a [<!ENTITY x \"xxxxxxxxxx\"><!ENTITY y \"&x;&x;&x;&x;\">]><a>&y;&y;</a>"
    #expect(throws: XMLFailure.documentType) { try parse(bomb) }
    #expect(throws: XMLFailure.documentType) { try parse("<!DOCTYPE a SYSTEM \"file:///x\"><a/>") }
}

@Test func `depth, number and size of what is read are bounded`() throws {
    func nested(_ levels: Int) -> String {
        String(repeating: "<a>", count: levels) + String(repeating: "</a>", count: levels)
    }
    #expect(throws: Never.self) { try parse(nested(XMLElement.maximumDepth)) }
    #expect(throws: XMLFailure.tooDeep(limit: 32)) { try parse(nested(33)) }
    let many = String(repeating: "<b/>", count: XMLElement.maximumElements)
    #expect(throws: XMLFailure.tooManyElements(limit: 100_000)) { try parse("<a>\(many)</a>") }
    let big = [UInt8](repeating: 0x20, count: XMLElement.maximumBytes + 1)
    #expect(throws: XMLFailure.tooLarge(bytes: big.count, limit: XMLElement.maximumBytes)) {
        try XMLElement(parsing: big)
    }
}

@Test(arguments: ["", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&undefined;</a>", "{\"a\":1}"])
func `what is no document names its line`(text: String) {
    let error = #expect(throws: XMLFailure.self) { try parse(text) }
    #expect(error?.description.hasPrefix("no XML in line 1: ") == true)
}

@Test func `every truncation of a document is refused`() throws {
    let whole = Array("<a><b>text &amp; more</b><c>\u{e9}</c></a>".utf8)
    for length in 0..<whole.count {
        #expect(throws: XMLFailure.self) { try XMLElement(parsing: Array(whole[..<length])) }
    }
    #expect(throws: Never.self) { try XMLElement(parsing: whole) }
    print("truncations refused: \(whole.count)")
}
