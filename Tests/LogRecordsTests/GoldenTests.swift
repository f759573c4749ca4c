internal import Domain
internal import LogRecords
internal import Testing

// Logs on disk hold these bytes. A change here is a new version of the layout, never a new expectation.

private let golden: [(payload: LogPayload, hex: String)] = [
    (
        .event(
            ReplicationEvent(
                name: .operationFailed, region: "eu-west-1",
                eventTime: Timestamp(milliseconds: 1_725_570_272_527), requestID: "R1",
                sourceBucket: "orders", ruleID: "to-dr", destinationBucket: "orders-dr",
                key: ObjectKey(bytes: [0x61, 0x00, 0xFF, 0x2F]), versionID: "v1", size: 520_080,
                eTag: "e1", sequencer: "0066", operation: "OBJECT_PUT", reason: "KmsDenied")),
        "0101011f0fcd00c4910100000965752d776573742d31025231066f726465727305746f2d6472096f"
            + "72646572732d6472046100ff2f02763190ef07000000000002653104303036360a4f424a4543545f"
            + "505554094b6d7344656e696564"
    ),
    (
        .event(
            ReplicationEvent(
                name: .notTracked, region: "", eventTime: Timestamp(milliseconds: -1),
                requestID: "", sourceBucket: "b", ruleID: String(repeating: "r", count: 130),
                destinationBucket: "d", key: ObjectKey("k"), versionID: "null", sequencer: "7")),
        "01010404ffffffffffffffff00000162820172727272727272727272727272727272727272727272"
            + "72727272727272727272727272727272727272727272727272727272727272727272727272727272"
            + "72727272727272727272727272727272727272727272727272727272727272727272727272727272"
            + "727272727272727272727272727272727272727272727272727272720164016b046e756c6c0137"
    ),
    (
        .quarantined(
            QuarantinedMessage(
                queueURL: "https://q", messageID: "m-1",
                receivedAt: Timestamp(milliseconds: 1_725_570_272_527), problem: "Bad: \u{e9}.",
                offset: 258, body: [0x7B, 0x00, 0xFF])),
        "01020fcd00c49101000002010000000000000968747470733a2f2f71036d2d31084261643a20c3a9"
            + "2e037b00ff"
    ),
    (
        .notificationTest(
            NotificationTest(
                queueURL: "https://q", bucket: "orders",
                time: Timestamp(milliseconds: 1_725_570_272_527))),
        "01030fcd00c4910100000968747470733a2f2f71066f7264657273"
    ),
]

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

@Test func `payloads have the bytes that are on disks already`() throws {
    for (payload, hex) in golden {
        #expect(hexadecimal(payload.encode()) == hex)
        #expect(try LogPayload(decoding: payload.encode()) == payload)
    }
    print("golden payloads: \(golden.count)")
}
