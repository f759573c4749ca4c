internal import Domain

/// `12345` as `12,345`.
func grouped(_ value: some BinaryInteger) -> String {
    let digits = String(value.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index).isMultiple(of: 3) { result.append(",") }
        result.append(digit)
    }
    return (value < 0 ? "-" : "") + result
}

/// `12,345 objects`, `1 object`.
func counted(_ value: some BinaryInteger, _ noun: String) -> String {
    grouped(value) + " " + noun + (value == 1 ? "" : "s")
}

/// Bytes as `512 B`, `1.2 GiB`: powers of 1024, one decimal, rounded to the nearest.
func size(_ bytes: Int64) -> String {
    guard bytes >= 1024 else { return "\(bytes) B" }
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var unit = 0
    var value = Double(bytes) / 1024
    while unit < units.count - 1, (value * 10).rounded() >= 10_240 {
        value /= 1024
        unit += 1
    }
    let tenths = Int64((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
}

/// A length of time in its greatest unit that says enough: `40 s`, `5 min`, `47 h`, `12 d`.
func span(milliseconds: Int64) -> String {
    let seconds = milliseconds / 1000
    if seconds < 60 { return "\(seconds) s" }
    if seconds < 3600 { return "\(seconds / 60) min" }
    if seconds < 2 * 86_400 { return "\(seconds / 3600) h" }
    return grouped(seconds / 86_400) + " d"
}

func span(seconds: Int) -> String {
    span(milliseconds: Int64(min(seconds, 1_000_000_000_000)) * 1000)
}

/// `3 h ago`. A moment ahead of this host's clock by more than a minute is shown as it is.
func age(of moment: Timestamp, at now: Timestamp) -> String {
    // No overflow: both were parsed from RFC 3339, whose years have four digits, or come from the host's clock.
    let passed = now.milliseconds - moment.milliseconds
    guard passed > -60_000 else { return moment.description }
    return passed < 1000 ? "just now" : span(milliseconds: passed) + " ago"
}

/// Both for reading and exact: `2026-11-24T06:11:06.527Z (3 h ago)`.
func momentAndAge(_ moment: Timestamp, at now: Timestamp) -> String {
    let text = age(of: moment, at: now)
    return text == moment.description ? text : "\(moment) (\(text))"
}

/// `3 d 4 h`, `4 h 12 min`, `12 min`, `40 s`.
func uptime(seconds: Int) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60)
    if days > 0 { return "\(days) d \(hours) h" }
    if hours > 0 { return "\(hours) h \(minutes) min" }
    return minutes > 0 ? "\(minutes) min" : "\(seconds) s"
}

/// US dollars, cents rounded up: an estimate must not say less.
func dollars(_ amount: Double) -> String {
    guard amount.isFinite, amount >= 0, amount < 1e12 else { return "$?" }
    // A hair less, so that 0.25 given as 0.25000000000000006 stays 0.25.
    let cents = Int64((amount * 100 - 1e-6).rounded(.up))
    let rest = cents % 100
    return "$" + grouped(cents / 100) + "." + (rest < 10 ? "0" : "") + String(rest)
}
