package import Domain
internal import Foundation
internal import GRDB

/// A request for a change that carries an Idempotency-Key.
package struct KeyedRequest: Hashable, Sendable {
    /// How long an answer is kept, in milliseconds.
    package static let lifetime: Int64 = 24 * 3_600_000

    /// Who asks: each uid has keys of its own.
    package var uid: UInt32
    package var key: String
    /// SHA-256 of what is asked for: the same key with another one is refused.
    package var digest: [UInt8]
    package var at: Timestamp

    package init(uid: UInt32, key: String, digest: [UInt8], at: Timestamp) {
        self.uid = uid
        self.key = key
        self.digest = digest
        self.at = at
    }

    fileprivate var oldestAnswer: Int64 { at.milliseconds - Self.lifetime }
}

/// What a request was answered.
package struct KeptAnswer: Equatable, Sendable {
    package struct Reply: Equatable, Sendable {
        package var status: Int
        package var contentType: String
        package var body: [UInt8]

        package init(status: Int, contentType: String, body: [UInt8]) {
            self.status = status
            self.contentType = contentType
            self.body = body
        }
    }

    /// Of the request.
    package var digest: [UInt8]
    /// The remediation that it began.
    package var remediationID: String?
    /// Nil when the process ended before it was stored, or when it was too long: the remediation is the answer.
    package var reply: Reply?
}

/// Answers to changes, for 24 hours and at most 10,000 of them: a client that lost its connection asks again.
extension SQLiteFailureStore {
    static let keptAnswers = 10_000
    /// Bytes of one answer.
    static let longestAnswer = 16 * 1024

    package nonisolated func answer(
        to request: KeyedRequest
    ) async throws(StoreFailure) -> KeptAnswer? {
        try await reader.answer(to: request)
    }

    /// Longer answers than 16 KiB are not kept.
    package func keep(
        _ reply: KeptAnswer.Reply, to request: KeyedRequest
    ) throws(StoreFailure) {
        guard reply.body.count <= Self.longestAnswer else { return }
        try write { db in
            try Self.forgetAnswers(at: request, in: db)
            try db.execute(
                sql: """
                    INSERT INTO answer (uid, key, request, at, status, type, body)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (uid, key) DO UPDATE
                    SET status = excluded.status, type = excluded.type, body = excluded.body
                    """,
                arguments: [
                    Int64(request.uid), request.key, Data(request.digest),
                    request.at.milliseconds, reply.status, reply.contentType, Data(reply.body),
                ])
        }
    }

    package func begin(
        _ run: RemediationRun, for request: KeyedRequest?
    ) throws(StoreFailure) {
        try write { db in
            try Self.save(run, in: db)
            guard let request else { return }
            try Self.forgetAnswers(at: request, in: db)
            try db.execute(
                sql: """
                    INSERT INTO answer (uid, key, request, at, remediation) VALUES (?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Int64(request.uid), request.key, Data(request.digest),
                    request.at.milliseconds, run.id,
                ])
        }
    }

    private static func forgetAnswers(at request: KeyedRequest, in db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM answer
                WHERE at < ? OR sequence <= (SELECT max(sequence) FROM answer) - ?
                """, arguments: [request.oldestAnswer, Self.keptAnswers - 1])
    }
}

extension StoreReader {
    func answer(to request: KeyedRequest) throws(StoreFailure) -> KeptAnswer? {
        try read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT request, remediation, status, type, body FROM answer
                    WHERE uid = ? AND key = ? AND at >= ?
                    """, arguments: [Int64(request.uid), request.key, request.oldestAnswer])
            return row.map { row in
                let status: Int? = row[2]
                return KeptAnswer(
                    digest: [UInt8](row[0] as Data), remediationID: row[1],
                    reply: status.map {
                        .init(
                            status: $0, contentType: row[3],
                            body: [UInt8]((row[4] as Data?) ?? Data()))
                    })
            }
        }
    }
}
