-- A store of schema version 3, as sqlite3's .dump wrote it, which leaves user_version out. Never change it.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1');
INSERT INTO grdb_migrations VALUES('2');
INSERT INTO grdb_migrations VALUES('3');
CREATE TABLE mark (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID, STRICT;
INSERT INTO mark VALUES('appliedLSN',10);
INSERT INTO mark VALUES('logID',X'000102030405060708090a0b0c0d0e0f');
INSERT INTO mark VALUES('tooOld',3);
CREATE TABLE rule (id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, rule_id TEXT NOT NULL,
  region TEXT NOT NULL, newest_failed_at INTEGER, missed INTEGER NOT NULL DEFAULT 0,
  not_tracked INTEGER NOT NULL DEFAULT 0, oldest_missed_at INTEGER,
  UNIQUE (bucket, rule_id)) STRICT;
INSERT INTO rule VALUES(1,'orders','r1','eu-west-1',1700003600000,1,0,1699999999000);
INSERT INTO rule VALUES(2,'orders','r2','eu-west-1',1700007200000,0,0,NULL);
CREATE TABLE destination (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO destination VALUES(1,'backup');
INSERT INTO destination VALUES(2,'elsewhere');
CREATE TABLE reason (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, class TEXT NOT NULL)
  STRICT;
INSERT INTO reason VALUES(1,'DstBucketNotFound','fix');
INSERT INTO reason VALUES(2,'SrcObjectNotEligible','ineligible');
INSERT INTO reason VALUES(3,'SrcKeyNotFound','gone');
INSERT INTO reason VALUES(4,'NewCode','unknown');
CREATE TABLE failure (rule INTEGER NOT NULL, destination INTEGER NOT NULL, key BLOB NOT NULL,
  version TEXT NOT NULL, state INTEGER NOT NULL, reason INTEGER NOT NULL, size INTEGER,
  etag TEXT, operation TEXT, sequencer TEXT, first_failed_at INTEGER NOT NULL,
  last_failed_at INTEGER NOT NULL, last_request_id TEXT NOT NULL,
  failure_count INTEGER NOT NULL, remediation TEXT, last_task TEXT, closed_at INTEGER,
  evidence INTEGER, evidence_at INTEGER, note TEXT,
  PRIMARY KEY (rule, destination, key, version)) WITHOUT ROWID, STRICT;
INSERT INTO failure VALUES(1,1,X'636c6f736564','v1',3,1,10,'e','OBJECT_PUT','01',1700000000000,1700000001000,'R6',2,NULL,NULL,1700005000000,1,1700005000000,NULL);
INSERT INTO failure VALUES(1,1,X'676f6e653f','v1',2,3,10,'e','OBJECT_PUT','01',1700000000000,1700000000000,'R3',1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO failure VALUES(1,1,X'7061726b6564','v1',4,2,10,'e','OBJECT_PUT','01',1700000000000,1700000000000,'R2',1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO failure VALUES(1,1,X'd0bad0bbd18ed1872fe697a5e69cace8aa9e1b5b33316d0a27','null',0,1,NULL,'e','OBJECT_PUT','01',1700003600000,1700003600000,'R4',1,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO failure VALUES(2,2,X'7375626d6974746564','v1',1,4,5000000000,'e','OBJECT_PUT','01',1700007200000,1700007200000,'R5',1,'run-1',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE counter (rule INTEGER NOT NULL, destination INTEGER NOT NULL,
  state INTEGER NOT NULL, reason INTEGER NOT NULL, count INTEGER NOT NULL,
  bytes INTEGER NOT NULL, PRIMARY KEY (rule, destination, state, reason))
  WITHOUT ROWID, STRICT;
INSERT INTO counter VALUES(1,1,0,1,1,0);
INSERT INTO counter VALUES(1,1,2,3,1,10);
INSERT INTO counter VALUES(1,1,3,1,1,10);
INSERT INTO counter VALUES(1,1,4,2,1,10);
INSERT INTO counter VALUES(2,2,1,4,1,5000000000);
CREATE TABLE quarantine (id INTEGER PRIMARY KEY, queue TEXT NOT NULL,
  message_id TEXT NOT NULL, received_at INTEGER NOT NULL, problem TEXT NOT NULL,
  offset INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (queue, message_id)) STRICT;
INSERT INTO quarantine VALUES(1,'https://sqs/q','m1',1700000000000,'byte 3: no JSON',3,X'00ff0a');
INSERT INTO quarantine VALUES(2,'log','LSN 9',1700010000000,'version 7',0,X'0909');
CREATE TABLE timeline (id INTEGER PRIMARY KEY, rule INTEGER NOT NULL,
  destination INTEGER NOT NULL, key BLOB NOT NULL, version TEXT NOT NULL,
  at INTEGER NOT NULL, what TEXT NOT NULL, reason TEXT, remediation TEXT, job TEXT,
  evidence INTEGER, by TEXT, note TEXT) STRICT;
INSERT INTO timeline VALUES(1,2,2,X'7375626d6974746564','v1',1700010000000,'selected','NewCode','run-1',NULL,NULL,'uid 0',NULL);
INSERT INTO timeline VALUES(2,1,1,X'636c6f736564','v1',1700010000000,'headCompleted','DstBucketNotFound',NULL,NULL,1,NULL,NULL);
CREATE TABLE remediation (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL, cursor BLOB, document TEXT NOT NULL) STRICT;
INSERT INTO remediation VALUES(1,'run-1','planned',NULL,'{"state":"planned","bytes":5000000000,"selection":{},"outcome":{"failedAgain":0,"gone":0,"parked":0,"replicated":0},"objects":1,"createdBy":"uid 0","id":"run-1","rule":{"sourceBucket":"orders","ruleID":"r2"},"region":"eu-west-1","priority":10,"createdAt":"2023-11-15T01:00:00.000Z"}');
CREATE TABLE queue (url TEXT PRIMARY KEY, last_test_at INTEGER) WITHOUT ROWID, STRICT;
INSERT INTO queue VALUES('https://sqs/q',1690000000000);
CREATE TABLE quarantine_total (count INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
INSERT INTO quarantine_total VALUES(2,5);
CREATE TABLE hourly (rule INTEGER NOT NULL, hour INTEGER NOT NULL,
  destination INTEGER NOT NULL, reason INTEGER NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (rule, hour, destination, reason)) WITHOUT ROWID, STRICT;
INSERT INTO hourly VALUES(1,472222,1,1,1);
INSERT INTO hourly VALUES(1,472222,1,2,1);
INSERT INTO hourly VALUES(1,472222,1,3,1);
INSERT INTO hourly VALUES(1,472223,1,1,1);
INSERT INTO hourly VALUES(2,472224,2,4,1);
CREATE INDEX failure_open_by_time ON failure (rule, last_failed_at) WHERE state = 0;
CREATE INDEX failure_held ON failure (remediation, state) WHERE remediation IS NOT NULL;
CREATE INDEX timeline_of_failure ON timeline (rule, key, version);
CREATE INDEX failure_closed ON failure (closed_at) WHERE closed_at IS NOT NULL;
COMMIT;
PRAGMA user_version = 3;
