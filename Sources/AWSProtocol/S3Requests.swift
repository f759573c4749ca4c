package import Domain

/// The requests of Amazon S3.
package enum S3Request: Sendable {
    /// Encrypted with S3's own keys, whatever the bucket's default is.
    case putObject(
        bucket: String, key: ObjectKey, body: [UInt8], contentType: String,
        metadata: [(name: String, value: String)], onlyIfAbsent: Bool)
    /// - versionID: `null` for the null version; nil for the newest.
    case headObject(bucket: String, key: ObjectKey, versionID: String?)
    /// - range: offsets of the first and last byte; nil for the whole object.
    /// - ifMatch: the entity tag, without quotes, that the object must still have.
    case getObject(
        bucket: String, key: ObjectKey, versionID: String?, range: ClosedRange<Int64>?,
        ifMatch: String?)
    case listObjectVersions(
        bucket: String, prefix: ObjectKey, after: (key: ObjectKey, versionID: String)?)
    case getBucketReplication(bucket: String)
    case getBucketVersioning(bucket: String)
    case getBucketLifecycleConfiguration(bucket: String)
    case getBucketNotificationConfiguration(bucket: String)
    case listMultipartUploads(
        bucket: String, prefix: ObjectKey, after: (key: ObjectKey, uploadID: String)?)

    /// AWS's name.
    package var operation: String {
        switch self {
        case .putObject: "PutObject"
        case .headObject: "HeadObject"
        case .getObject: "GetObject"
        case .listObjectVersions: "ListObjectVersions"
        case .getBucketReplication: "GetBucketReplication"
        case .getBucketVersioning: "GetBucketVersioning"
        case .getBucketLifecycleConfiguration: "GetBucketLifecycleConfiguration"
        case .getBucketNotificationConfiguration: "GetBucketNotificationConfiguration"
        case .listMultipartUploads: "ListMultipartUploads"
        }
    }

    package func wire(at endpoint: AWSEndpoint) -> AWSRequest {
        switch self {
        case .putObject(let bucket, let key, let body, let type, let metadata, let onlyIfAbsent):
            let headers = newObjectHeaders(contentType: type, metadata: metadata)
            return request(
                "PUT", endpoint, bucket, key,
                headers: headers + (onlyIfAbsent ? [("if-none-match", "*")] : []), body: body)
        case .headObject(let bucket, let key, let versionID):
            return request("HEAD", endpoint, bucket, key, query: version(versionID))
        case .getObject(let bucket, let key, let versionID, let range, let eTag):
            let headers =
                (range.map { [("range", "bytes=\($0.lowerBound)-\($0.upperBound)")] } ?? [])
                + (eTag.map { [("if-match", "\"\($0)\"")] } ?? [])
            return request(
                "GET", endpoint, bucket, key, query: version(versionID), headers: headers)
        case .listObjectVersions(let bucket, let prefix, let after):
            var query = [("encoding-type", "url"), ("versions", "")]
            if let after {
                query += [("key-marker", after.key.text), ("version-id-marker", after.versionID)]
            }
            return request(
                "GET", endpoint, bucket, nil, query: query + [("prefix", prefix.text)])
        case .getBucketReplication(let bucket):
            return request("GET", endpoint, bucket, nil, query: [("replication", "")])
        case .getBucketVersioning(let bucket):
            return request("GET", endpoint, bucket, nil, query: [("versioning", "")])
        case .getBucketLifecycleConfiguration(let bucket):
            return request("GET", endpoint, bucket, nil, query: [("lifecycle", "")])
        case .getBucketNotificationConfiguration(let bucket):
            return request("GET", endpoint, bucket, nil, query: [("notification", "")])
        case .listMultipartUploads(let bucket, let prefix, let after):
            var query = [("encoding-type", "url"), ("uploads", "")]
            if let after {
                query += [("key-marker", after.key.text), ("upload-id-marker", after.uploadID)]
            }
            return request(
                "GET", endpoint, bucket, nil, query: query + [("prefix", prefix.text)])
        }
    }

    private func request(
        _ method: String, _ endpoint: AWSEndpoint, _ bucket: String, _ key: ObjectKey?,
        query: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) -> AWSRequest {
        s3Request(
            operation, method, endpoint, bucket, key, query: query, headers: headers, body: body)
    }
}

/// A request of a bucket, or of one of its objects, at the endpoint's form of address.
func s3Request(
    _ operation: String, _ method: String, _ endpoint: AWSEndpoint, _ bucket: String,
    _ key: ObjectKey?, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8] = []
) -> AWSRequest {
    var endpoint = endpoint
    var path = "/" + (key?.encoded ?? "")
    if endpoint.isOverride || !fitsHostName(bucket) {
        let name = percentEncoded(Array(bucket.utf8), keeping: .nothing)
        path = "/" + name + (key == nil ? "" : path)
    } else {
        endpoint.host = bucket + "." + endpoint.host
    }
    return AWSRequest(
        .s3, operation, method, at: endpoint, path: path, query: query, headers: headers,
        body: body)
}

extension AWSRequest {
    /// With `x-amz-expected-bucket-owner`, which every operation of S3 that is called here takes: a bucket of another
    /// account answers 403 instead of its content.
    package func expecting(bucketOwner: String?) -> AWSRequest {
        guard let bucketOwner else { return self }
        var request = self
        request.headers.append(("x-amz-expected-bucket-owner", bucketOwner))
        return request
    }
}

/// S3's own encryption, said explicitly: a bucket whose default is KMS would make a manifest unreadable for a job.
func newObjectHeaders(
    contentType: String, metadata: [(name: String, value: String)]
) -> [(name: String, value: String)] {
    [("content-type", contentType), ("x-amz-server-side-encryption", "AES256")]
        + metadata.map { ("x-amz-meta-" + $0.name, $0.value) }
}

private func version(_ id: String?) -> [(name: String, value: String)] {
    id.map { [("versionId", $0)] } ?? []
}

/// A bucket with a dot would not match the wildcard of S3's certificate; older ones may have upper case or `_`.
/// Source: Amazon S3 User Guide, "Virtual hosting of general purpose buckets".
private func fitsHostName(_ bucket: String) -> Bool {
    (3...63).contains(bucket.utf8.count) && !bucket.hasPrefix("-") && !bucket.hasSuffix("-")
        && bucket.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
        }
}
