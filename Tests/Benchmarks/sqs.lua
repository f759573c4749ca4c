-- The queue: messages made on the fly, each different, counted out and counted back in by their deletes.
-- One process serves, so the state is plain Lua.
local messages = require "sqs_messages"

local queue = {
    total = 0, sent = 0, deleted = 0, deletedTwice = 0, receives = 0, emptyReceives = 0, deleteCalls = 0, refused = 0,
}
local gone = {}
local maker = nil
local STEP = 0.01 -- seconds between two looks of a long poll

local function send(text)
    ngx.header.content_length = #text
    ngx.print(text)
end

local function refuse(code, sentence)
    queue.refused = queue.refused + 1
    ngx.status = 400
    send('{"__type":"com.amazonaws.sqs#' .. code .. '","message":"' .. sentence .. '"}')
end

local function integer(body, name, default)
    return tonumber(string.match(body, '"' .. name .. '"%s*:%s*(%d+)')) or default
end

local function receive(body)
    local wanted = math.min(integer(body, "MaxNumberOfMessages", 1), messages.MOST)
    local patience = integer(body, "WaitTimeSeconds", 0)
    while queue.sent >= queue.total and patience > 0 do
        ngx.sleep(STEP)
        patience = patience - STEP
    end
    queue.receives = queue.receives + 1
    local count = math.min(wanted, queue.total - queue.sent)
    if count == 0 then
        queue.emptyReceives = queue.emptyReceives + 1
        return send("{}")
    end
    local first = queue.sent
    queue.sent = first + count
    send(maker:reply(first, count))
end

local function delete(body)
    queue.deleteCalls = queue.deleteCalls + 1
    local entries = string.match(body, '"Entries"%s*:%s*(%b[])')
    if not entries then return refuse("EmptyBatchRequest", "There is no entry in the batch.") end
    local successful, failed = {}, {}
    for entry in string.gmatch(entries, "{([^{}]*)}") do
        local id = string.match(entry, '"Id"%s*:%s*"([%w_-]+)"')
        local number = tonumber(string.match(entry, '"ReceiptHandle"%s*:%s*"AQEB(%d%d%d%d%d%d%d%d%d)'))
        if not id then return refuse("InvalidBatchEntryId", "An entry has no Id.") end
        if not number or number >= queue.sent then
            failed[#failed + 1] = '{"Id":"' .. id .. '","SenderFault":true,"Code":"ReceiptHandleIsInvalid"}'
        else
            successful[#successful + 1] = '{"Id":"' .. id .. '"}'
            queue.deleted = queue.deleted + (gone[number] and 0 or 1)
            queue.deletedTwice = queue.deletedTwice + (gone[number] and 1 or 0)
            gone[number] = true
        end
    end
    send('{"Failed":[' .. table.concat(failed, ",") .. '],"Successful":[' .. table.concat(successful, ",") .. "]}")
end

local function attributes()
    send('{"Attributes":{"QueueArn":"arn:aws:sqs:eu-west-1:111122223333:bench",'
        .. '"ApproximateNumberOfMessages":"' .. queue.total - queue.sent .. '",'
        .. '"ApproximateNumberOfMessagesNotVisible":"' .. queue.sent - queue.deleted .. '",'
        .. '"ApproximateNumberOfMessagesDelayed":"0","VisibilityTimeout":"120","MaximumMessageSize":"1048576",'
        .. '"MessageRetentionPeriod":"345600","DelaySeconds":"0","ReceiveMessageWaitTimeSeconds":"0"}}')
end

local operations = {
    ["AmazonSQS.ReceiveMessage"] = receive,
    ["AmazonSQS.DeleteMessageBatch"] = delete,
    ["AmazonSQS.GetQueueAttributes"] = attributes,
}

local M = {}

-- POST / in AWS's JSON protocol 1.0.
function M.answer()
    ngx.req.read_body()
    ngx.header["x-amzn-RequestId"] = "0e5fbb6c-2b4b-5ca8-a211-c34a63c59426"
    local operation = operations[ngx.var.http_x_amz_target or ""]
    if not operation then return refuse("UnsupportedOperation", "The operation is not known here.") end
    operation(ngx.req.get_body_data() or "")
end

-- /control/start?total=N&order=time|random&since=SECONDS: N messages wait from now on; all counters are at 0.
function M.start()
    local arguments = ngx.req.get_uri_args()
    for name in pairs(queue) do queue[name] = 0 end
    gone = {}
    maker = messages.maker(arguments.order, tonumber(arguments.since))
    queue.total = tonumber(arguments.total)
    M.counters()
end

function M.counters()
    local members = {}
    for name, value in pairs(queue) do members[#members + 1] = '"' .. name .. '":' .. value end
    send("{" .. table.concat(members, ",") .. "}")
end

return M
