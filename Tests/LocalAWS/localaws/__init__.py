"""The stand-in cloud: MiniStack with a judge, replication that fails as on AWS, and S3 Batch Operations."""
