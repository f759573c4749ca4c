"""Why a job fails as a whole."""


class JobFailure(Exception):
    """FailureCode and FailureReason of DescribeJob. Of the codes only InvalidManifestContent is documented."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
