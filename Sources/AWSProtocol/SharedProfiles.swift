/// The profiles of the shared configuration and credentials files.
///
/// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files"; botocore's parser decides where
/// the guide is silent: names of settings in any case, no comment behind a value, indented lines belong to a
/// nested setting and are passed over. Its description and mirror show the names of the profiles alone.
package struct SharedProfiles: Sendable {
    /// One profile in both files. Names of settings are in lower case.
    package struct Profile: Sendable {
        package var configuration: [String: String] = [:]
        package var credentials: [String: String] = [:]

        package init() {}

        /// The value of a setting, the credentials file's first; nil when absent or empty.
        package subscript(name: String) -> String? {
            let value = credentials[name] ?? configuration[name] ?? ""
            return value.isEmpty ? nil : value
        }
    }

    private var profiles: [String: Profile] = [:]

    /// - Parameters:
    ///   - configuration: the text of `~/.aws/config`, where a section is `[profile NAME]` or `[default]`.
    ///   - credentials: the text of `~/.aws/credentials`, where a section is `[NAME]`.
    package init(configuration: String = "", credentials: String = "") {
        for section in sections(of: configuration) {
            guard let name = profileName(section.header) else { continue }
            profiles[name, default: Profile()].configuration.merge(section.settings) { $1 }
        }
        for section in sections(of: credentials) {
            profiles[section.header, default: Profile()].credentials
                .merge(section.settings) { $1 }
        }
    }

    package subscript(name: String) -> Profile? { profiles[name] }
}

extension SharedProfiles: CustomStringConvertible, CustomReflectable {
    package var description: String { "profiles \(profiles.keys.sorted())" }
    package var customMirror: Mirror { Mirror(self, children: ["profiles": description]) }
}

extension SharedProfiles.Profile: CustomStringConvertible, CustomReflectable {
    package var description: String {
        "settings \(Set(configuration.keys).union(credentials.keys).sorted())"
    }
    package var customMirror: Mirror { Mirror(self, children: ["settings": description]) }
}

/// `default`, `profile NAME`, `profile "NAME"`; nil for `sso-session` and `services`, which are no profiles.
private func profileName(_ header: String) -> String? {
    if header == "default" { return header }
    guard header.hasPrefix("profile ") || header.hasPrefix("profile\t") else { return nil }
    let name = trimmed(header.dropFirst("profile".count))
    let isQuoted =
        name.utf8.count > 1 && (name.first == "\"" || name.first == "'")
        && name.first == name.last
    return isQuoted ? String(name.dropFirst().dropLast()) : name
}

private func sections(of text: String) -> [(header: String, settings: [String: String])] {
    var sections: [(header: String, settings: [String: String])] = []
    for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
        guard let first = line.first, !"#; \t".contains(first) else { continue }
        if first == "[" {
            guard let end = line.firstIndex(of: "]") else { continue }
            sections.append((trimmed(line[line.index(after: line.startIndex)..<end]), [:]))
        } else if let equals = line.firstIndex(of: "="), !sections.isEmpty {
            let name = trimmed(line[..<equals]).lowercased()
            sections[sections.count - 1].settings[name] =
                trimmed(line[line.index(after: equals)...])
        }
    }
    return sections
}

private func trimmed(_ text: Substring) -> String {
    let head = text.drop { $0 == " " || $0 == "\t" }
    guard let last = head.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
    return String(head[...last])
}
