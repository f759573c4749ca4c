// swift-tools-version: 6.3
import PackageDescription

// The modules in layers, from the bottom up, each with the modules that it may import. SwiftPM does not check
// imports against this table; Tests/TidyTests does, reading the same lines. Arrows run downwards only:
// shell -> flows -> state -> mechanism -> pure.
let arrows: [(module: String, imports: [String])] = [
    // pure: values in, values out
    ("Domain", []),
    ("JSONScanning", []),
    ("EventDecoding", ["Domain", "JSONScanning"]),
    ("LogRecords", ["Domain"]),
    ("Manifests", ["Domain", "JSONScanning"]),
    ("AWSProtocol", ["Domain", "JSONScanning", "CCrypto", "CExpat"]),
    ("ControlAPI", ["Domain"]),
    // mechanism: one operating-system resource each
    ("Metrics", []),
    ("SystemIO", ["CSystem"]),
    ("WriteAheadLog", ["Metrics", "SystemIO", "CSystem"]),
    ("HTTPTransport", ["SystemIO", "CCurl"]),
    ("AWSClient", ["Domain", "AWSProtocol", "HTTPTransport", "SystemIO"]),
    ("ControlServer", ["SystemIO", "CMicroHTTPD"]),
    ("Systemd", ["SystemIO", "CSystemd"]),
    // state
    ("FailureStore", ["Domain", "SystemIO", "GRDB", "GRDBSQLite"]),
    // flows: they meet in the store and never import each other
    (
        "Intake",
        [
            "Domain", "EventDecoding", "LogRecords", "AWSProtocol", "SystemIO", "WriteAheadLog",
            "AWSClient",
            "FailureStore", "Logging",
        ]
    ),
    (
        "Remediation",
        ["Domain", "Manifests", "AWSProtocol", "SystemIO", "AWSClient", "FailureStore", "Logging"]
    ),
    // shell
    (
        "Daemon",
        [
            "Domain", "LogRecords", "AWSProtocol", "ControlAPI", "Metrics", "SystemIO",
            "WriteAheadLog", "HTTPTransport", "AWSClient", "ControlServer", "Systemd",
            "FailureStore", "Intake", "Remediation", "Logging", "ServiceLifecycle", "UnixSignals",
            "Yams", "CSystem",
        ]
    ),
    ("s3remedyd", ["ControlAPI", "Daemon", "ArgumentParser"]),
    ("s3remedy", ["Domain", "ControlAPI", "SystemIO", "HTTPTransport", "ArgumentParser"]),
]

// CSystem is a header alone: what the C library or the processor offers and Swift cannot import.
let systemLibraries: [String: String?] = [
    "CCurl": "libcurl", "CCrypto": "libcrypto", "CExpat": "expat", "CSystemd": "libsystemd",
    "CMicroHTTPD": "libmicrohttpd", "CSystem": nil,
]

let products: [String: Target.Dependency] = [
    "GRDB": .product(name: "GRDB", package: "GRDB.swift"),
    "GRDBSQLite": .product(name: "GRDBSQLite", package: "GRDB.swift"),
    "Yams": .product(name: "Yams", package: "Yams"),
    "Logging": .product(name: "Logging", package: "swift-log"),
    "ServiceLifecycle": .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    "UnixSignals": .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    "ArgumentParser": .product(name: "ArgumentParser", package: "swift-argument-parser"),
]

let executables: Set<String> = ["s3remedyd", "s3remedy"]

// C pointers stay in one file per resource there; with the check on they would be hidden among 100 markers.
let pointerModules: Set<String> = ["ControlServer", "HTTPTransport", "SystemIO", "Systemd"]

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    .enableUpcomingFeature("InferIsolatedConformances"),  // SE-0470
    .enableUpcomingFeature("ImmutableWeakCaptures"),  // SE-0481
]

/// Test targets: what each needs beside the modules that it names.
let tests: [(name: String, imports: [String])] = [
    (
        "AWSClientTests",
        ["Domain", "AWSProtocol", "HTTPTransport", "SystemIO", "AWSClient", "TestSupport"]
    ),
    ("AWSProtocolTests", ["AWSProtocol", "Domain", "JSONScanning", "TestSupport"]),
    ("CommandLineTests", ["s3remedy", "ControlAPI", "Domain"]),
    ("ControlAPITests", ["ControlAPI", "Domain"]),
    ("ControlServerTests", ["ControlServer", "SystemIO"]),
    (
        "DaemonTests",
        ["Daemon", "LogRecords", "Logging", "SystemIO", "TestSupport", "WriteAheadLog"]
    ),
    ("DomainTests", ["Domain", "TestSupport"]),
    ("EventDecodingTests", ["EventDecoding", "Domain", "TestSupport"]),
    ("FailureStoreTests", ["Domain", "FailureStore", "GRDB", "SystemIO", "TestSupport"]),
    ("HTTPTransportTests", ["HTTPTransport", "SystemIO", "TestSupport"]),
    (
        "IntakeTests",
        [
            "AWSClient", "AWSProtocol", "Domain", "FailureStore", "HTTPTransport", "Intake",
            "LogRecords", "Logging", "SystemIO", "TestSupport", "WriteAheadLog",
        ]
    ),
    ("JSONScanningTests", ["JSONScanning", "TestSupport"]),
    ("LogRecordsTests", ["LogRecords", "Domain", "TestSupport"]),
    (
        "ManifestsTests",
        ["Domain", "EventDecoding", "FailureStore", "Manifests", "SystemIO", "TestSupport"]
    ),
    ("MetricsTests", ["Metrics"]),
    (
        "RemediationTests",
        [
            "AWSClient", "AWSProtocol", "Domain", "FailureStore", "HTTPTransport", "Logging",
            "Remediation", "SystemIO", "TestSupport",
        ]
    ),
    ("SystemIOTests", ["SystemIO", "TestSupport"]),
    ("SystemdTests", ["Systemd"]),
    ("TidyTests", []),
    ("WriteAheadLogTests", ["WriteAheadLog", "SystemIO", "TestSupport"]),
]

/// Files of a test target that are no sources; tests read them beside `#filePath`.
let fixtures: [String: [String]] = [
    "AWSProtocolTests": ["botocore_answers.py"],
    "FailureStoreTests": ["schema-1.sql", "schema-2.sql", "schema-3.sql"],
    "HTTPTransportTests": ["tls_server.py"],
    "ManifestsTests": ["other_side.py"],
]

/// The program behind `make bench`, built by it alone.
let benchmarks: [String] = [
    "Domain", "EventDecoding", "LogRecords", "Manifests", "AWSProtocol", "AWSClient",
    "HTTPTransport",
    "SystemIO", "WriteAheadLog", "FailureStore", "CSystem", "GRDB", "ArgumentParser",
]

/// What tests share: fakes of the ports, generators, helpers.
let testSupport: [String] = ["Domain", "SystemIO"]

func dependency(_ name: String) -> Target.Dependency {
    products[name] ?? .target(name: name)
}

let package = Package(
    name: "s3remedy-daemon",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: systemLibraries.sorted { $0.key < $1.key }.map { name, pkgConfig in
        .systemLibrary(name: name, pkgConfig: pkgConfig)
    }
        + arrows.map { module, imports in
            let swiftSettings =
                settings + (pointerModules.contains(module) ? [] : [.strictMemorySafety()])
            let dependencies = imports.map(dependency)
            return executables.contains(module)
                ? .executableTarget(
                    name: module, dependencies: dependencies, swiftSettings: swiftSettings)
                : .target(name: module, dependencies: dependencies, swiftSettings: swiftSettings)
        }
        + [
            .target(
                name: "TestSupport", dependencies: testSupport.map(dependency),
                path: "Tests/TestSupport", swiftSettings: settings),
            .executableTarget(
                name: "s3remedy-bench", dependencies: benchmarks.map(dependency),
                path: "Tests/Benchmarks/Program", swiftSettings: settings),
        ]
        + tests.map { name, imports in
            .testTarget(
                name: name, dependencies: imports.map(dependency), exclude: fixtures[name] ?? [],
                swiftSettings: settings)
        }
)
