-- S3 replication failure events as SQS messages. Message N is the same in every run with the same order and start.
-- A reply is written into one buffer: a prepared message is copied in, then the places that differ are overwritten.
local bit = require "bit"
local ffi = require "ffi"

local M = { MOST = 10 }

local EVENT = '{"Records":[{"eventVersion":"2.6","eventSource":"aws:s3","awsRegion":"eu-west-1",'
    .. '"eventTime":"<moment:19>.<millis:3>Z","eventName":"Replication:OperationFailedReplication",'
    .. '"userIdentity":{"principalId":"s3.amazonaws.com"},"requestParameters":{"sourceIPAddress":"s3.amazonaws.com"},'
    .. '"responseElements":{"x-amz-request-id":"<uuid>","x-amz-id-2":"<base64:72>fGS="},'
    .. '"s3":{"s3SchemaVersion":"1.0","configurationId":"replication-failures-to-sqs",'
    .. '"bucket":{"name":"orders-archive-eu-west-1","ownerIdentity":{"principalId":"A1B2C3D4E5F6G7"},'
    .. '"arn":"arn:aws:s3:::orders-archive-eu-west-1"},"object":{"key":"<key>","size":<size:7>,'
    .. '"eTag":"<hex:32>","versionId":"<base64:32>","sequencer":"00<momenthex:8><numberhex:8>"}},'
    .. '"replicationEventData":{"replicationRuleId":"<rule>","destinationBucket":"arn:aws:s3:::<destination>",'
    .. '"s3Operation":"OBJECT_PUT","requestTime":"<earlier:19>.<millis:3>Z","failureReason":"<reason>"}}]}'

local MESSAGE = '{"MessageId":"<uuid>","ReceiptHandle":"AQEB<number:9><base64:164>Pw==",'
    .. '"MD5OfBody":"<hex:32>","Body":"' .. string.gsub(EVENT, '"', '\\"') .. '","Attributes":{'
    .. '"SenderId":"AIDAIE2UWCB5BLMNW5QAQ:S3-PROD-END","ApproximateFirstReceiveTimestamp":"<received:13>",'
    .. '"ApproximateReceiveCount":"1","SentTimestamp":"<sent:10><millis:3>"}}'

local KEYS = {
    time = "orders/dt%3D<date:10>/hour%3D<hour:2>/part-<number:9>-<uuid>.snappy.parquet",
    random = "<hex:16>/orders/dt%3D<date:10>/part-<number:9>-<uuid>.snappy.parquet",
}

local CAUSES = {
    { rule = "dr-eu-central-1", destination = "orders-archive-dr-eu-central-1", reason = "DstPutObjectNotPermitted" },
    { rule = "dr-eu-central-1", destination = "orders-archive-dr-eu-central-1", reason = "DstKmsKeyNotFound" },
    { rule = "analytics-us-east-1", destination = "orders-analytics-us-east-1", reason = "DstBucketNotFound" },
    { rule = "compliance-copy", destination = "orders-compliance-eu-west-1", reason = "AssumeRoleNotPermitted" },
}

-- Two characters for each value, as they lie in memory.
local function pairs_of(alphabet)
    local size = #alphabet
    local table = ffi.new("uint16_t[?]", size * size)
    for n = 0, size * size - 1 do
        local first, second = math.floor(n / size) + 1, n % size + 1
        table[n] = string.byte(alphabet, first) + 256 * string.byte(alphabet, second)
    end
    return table
end
local HEX = pairs_of("0123456789abcdef")
local BASE64 = pairs_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._")
local HALF = ffi.typeof("uint16_t *")

-- One cause's message with gaps: its bytes, where random characters go, and where named values go.
local function prepare(order, cause)
    local text = string.gsub(MESSAGE, "<(%l+)>", { key = KEYS[order], rule = cause.rule,
        destination = cause.destination, reason = cause.reason })
    text = string.gsub(text, "<uuid>", "<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>")
    local pieces, at, prepared = {}, 0, { hex = {}, base64 = {}, named = {} }
    for fixed, name, length in string.gmatch(text .. "<end:0>", "([^<]*)<(%a+%d*):(%d+)>") do
        pieces[#pieces + 1] = fixed .. string.rep("?", length)
        at = at + #fixed
        local random = prepared[name]
        if random then
            for pair = 0, length / 2 - 1 do random[#random + 1] = at + 2 * pair end
        elseif name ~= "end" then
            prepared.named[#prepared.named + 1] = { at = at, name = name, length = tonumber(length) }
        end
        at = at + tonumber(length)
    end
    prepared.text = table.concat(pieces)
    return prepared
end

local Maker = {}
Maker.__index = Maker

-- Messages whose keys come in the named order and whose event times start at `since` (seconds), a millisecond apart.
function M.maker(order, since)
    assert(KEYS[order], "order is time or random")
    local self = { since = since, second = -1, values = {}, causes = {}, state = 0x2545F491 }
    for i, cause in ipairs(CAUSES) do self.causes[i] = prepare(order, cause) end
    self.buffer = ffi.new("uint8_t[?]", 64 * 1024)
    return setmetatable(self, Maker)
end

-- What changes once a second.
function Maker:enter(second)
    local values, at = self.values, self.since + second
    self.second = second
    values.moment = os.date("!%Y-%m-%dT%H:%M:%S", at)
    values.earlier = os.date("!%Y-%m-%dT%H:%M:%S", at - 33)
    values.date = os.date("!%Y-%m-%d", at)
    values.hour = os.date("!%H", at)
    values.sent = tostring(at + 1)
    values.momenthex = string.format("%08X", at)
end

-- Marsaglia's xorshift32: the next of the sequence.
local function shifted(state)
    state = bit.bxor(state, bit.lshift(state, 13))
    state = bit.bxor(state, bit.rshift(state, 17))
    return bit.bxor(state, bit.lshift(state, 5))
end

-- Writes message `number`; the byte after it.
function Maker:write(target, number)
    local prepared, values, state = self.causes[number % #CAUSES + 1], self.values, self.state
    local second = math.floor(number / 1000)
    if second ~= self.second then self:enter(second) end
    values.millis = string.format("%03d", number % 1000)
    values.number = string.format("%09d", number)
    values.numberhex = string.format("%08X", number)
    values.size = tostring(1000000 + bit.band(state, 4194303))
    ffi.copy(target, prepared.text, #prepared.text)
    local named, hex, base64 = prepared.named, prepared.hex, prepared.base64
    for i = 1, #named do ffi.copy(target + named[i].at, values[named[i].name], named[i].length) end
    for i = 1, #hex do
        state = shifted(state)
        ffi.cast(HALF, target + hex[i])[0] = HEX[bit.band(state, 255)]
    end
    for i = 1, #base64 do
        state = shifted(state)
        ffi.cast(HALF, target + base64[i])[0] = BASE64[bit.band(state, 4095)]
    end
    self.state = state
    return target + #prepared.text
end

local OPENING, CLOSING = '{"Messages":[', "]}"

-- A ReceiveMessage reply with `count` messages from number `first` on.
function Maker:reply(first, count)
    self.values.received = string.format("%.0f", ngx.now() * 1000)
    local target = self.buffer + #OPENING
    ffi.copy(self.buffer, OPENING, #OPENING)
    for number = first, first + count - 1 do
        if number > first then
            target[0] = 44 -- a comma
            target = target + 1
        end
        target = self:write(target, number)
    end
    ffi.copy(target, CLOSING, #CLOSING)
    return ffi.string(self.buffer, target + #CLOSING - self.buffer)
end

return M
