import AWSClient
import AWSProtocol
import HTTPTransport
import SystemIO

/// An S3 that takes every part of an upload and keeps none, so that what is measured is the sender.
final class DroppingCloud: HTTPExchanging, CredentialsProviding {
    nonisolated(nonsending) func perform(_ request: HTTPRequest) async throws(HTTPFailure)
        -> HTTPReply
    {
        let body: String =
            switch (request.method, request.url) {
            case ("GET", _):
                "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
            case ("POST", let url) where url.hasSuffix("uploads="):
                "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            case ("POST", _):
                "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
            default: ""
            }
        return HTTPReply(status: 200, headers: [("ETag", "\"e\"")], body: Array(body.utf8))
    }

    func cancel() {}

    nonisolated(nonsending) func credentials() async throws(AWSFailure) -> AWSCredentials {
        AWSCredentials(accessKeyID: "A", secretAccessKey: "S")
    }

    nonisolated(nonsending) func reject(_: AWSCredentials) async {}

    func client() throws -> S3Client {
        S3Client(
            AWSCaller(
                region: "eu-west-1", endpoints: try AWSEndpoints(), exchange: self,
                credentials: self, clock: SystemClock(), random: SystemRandomNumberGenerator()),
            expectedBucketOwner: "111122223333")
    }
}
