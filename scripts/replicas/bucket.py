"""A bucket of moto's S3, which takes no request whose signature does not hold."""

import json

import boto3
import botocore.exceptions

from common import HOST, START_SECOND_LIMIT, Missed, ask, await_that

REGION = "eu-central-1"


class Bucket:
    """moto's S3, and the rights of one user of it."""

    def __init__(self, port: int, name: str) -> None:
        self.name = name
        self.address = f"http://{HOST}:{port}"
        await_that("moto", START_SECOND_LIMIT, lambda: ask(port, "GET", "/moto-api/")[0] == 200)
        iam = self.client("iam", "any", "any")
        iam.create_user(UserName="resnetd")
        iam.put_user_policy(
            UserName="resnetd", PolicyName="all", PolicyDocument=json.dumps({
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
        key = iam.create_access_key(UserName="resnetd")["AccessKey"]
        self.key, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        # From now on moto takes no request whose signature does not hold.
        ask(port, "POST", "/moto-api/reset-auth", b"0")
        self.s3 = self.client("s3", self.key, self.secret)
        self.s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.require_signatures()

    def client(self, service: str, key: str, secret: str):
        return boto3.client(
            service, endpoint_url=self.address, region_name=REGION, aws_access_key_id=key,
            aws_secret_access_key=secret)

    def require_signatures(self) -> None:
        try:
            self.client("s3", self.key, "another secret").list_objects_v2(Bucket=self.name)
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403:
                return
        raise Missed("moto does not check signatures")

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": REGION, "AWS_ENDPOINT_URL": self.address}
