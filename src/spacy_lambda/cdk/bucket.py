"""Bucket of compiled pipelines."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from .acknowledge import acknowledge
from .aws_names import BULK_PREFIX, bucket_name
from .spec import SharedSpec

__all__ = ["ArtifactBucket"]

UNFINISHED = Duration.days(7)
NONCURRENT = Duration.days(90)
CORPORA = Duration.days(14)
"""As long as Step Functions redrives an execution."""

ACKNOWLEDGED = {
    "AwsSolutions-S1": "Only deployments write to it and only the project's functions read it, each artifact by its "
    "digest; for records of access, turn on CloudTrail's data events, which identify the caller.",
}


class ArtifactBucket(Construct):
    """A versioned bucket that keeps replaced objects for a while, and is retained when its stack is deleted."""

    def __init__(self, scope: Construct, id: str, spec: SharedSpec) -> None:
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=bucket_name(spec.project, account=spec.account, region=spec.region),
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(id="unfinished-uploads", abort_incomplete_multipart_upload_after=UNFINISHED),
                s3.LifecycleRule(
                    id="replaced-objects", noncurrent_version_expiration=NONCURRENT, expired_object_delete_marker=True
                ),
                *(_corpora() if spec.corpora else ()),
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
        acknowledge(self.bucket, ACKNOWLEDGED)


def _corpora() -> list[s3.LifecycleRule]:
    """Return the rule that removes corpora whose results nobody has fetched, and versions of what was removed."""
    return [
        s3.LifecycleRule(
            id="corpora",
            prefix=f"{BULK_PREFIX}/",
            expiration=CORPORA,
            noncurrent_version_expiration=Duration.days(1),
        )
    ]
