import Domain
import Manifests
import Testing

struct ManifestWriterTests {
    @Test func `keys are encoded so that no key can break a row`() {
        var manifest = ManifestWriter(bucket: "orders")
        manifest.add(key: ObjectKey("a b+c%2F/\"q\",\n"), versionID: "v1")
        #expect(
            String(decoding: manifest.bytes, as: UTF8.self)
                == "orders,a%20b%2Bc%252F/%22q%22%2C%0A,v1\n")
    }

    @Test func `the null version is the word null`() {
        var manifest = ManifestWriter(bucket: "b")
        manifest.add(key: ObjectKey("k"), versionID: "null")
        manifest.add(key: ObjectKey("l"), versionID: "")
        #expect(String(decoding: manifest.bytes, as: UTF8.self) == "b,k,null\nb,l,null\n")
    }

    @Test func `rows are unique, and the same failures give the same bytes`() {
        var one = ManifestWriter(bucket: "b")
        var other = ManifestWriter(bucket: "b")
        for key in ["x", "y", "x"] { one.add(key: ObjectKey(key), versionID: "v") }
        for key in ["y", "x"] { other.add(key: ObjectKey(key), versionID: "v") }
        #expect(one.bytes == other.bytes)
        #expect(one.rowCount == 2 && one.byteCount == one.bytes.count)
    }
}
