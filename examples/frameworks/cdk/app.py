"""A function from a bundle, in an AWS CDK app of your own: `cdk deploy --app "python app.py"`."""

from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

BUNDLE = Path(__file__).parent.parent / "bundle.zip"


class NerStack(Stack):
    """A function, its alias `live`, and a Function URL for signed requests."""

    def __init__(self, scope: App, name: str) -> None:
        super().__init__(scope, name)
        group = logs.LogGroup(
            self, "Logs", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        function = lambda_.Function(
            self,
            "Ner",
            code=lambda_.Code.from_asset(str(BUNDLE)),
            handler="spacy_lambda.runtime.handler.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.X86_64,
            memory_size=1769,
            timeout=Duration.seconds(30),
            logging_format=lambda_.LoggingFormat.JSON,
            log_group=group,
        )
        live = function.add_alias("live")
        url = live.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
        CfnOutput(self, "Url", value=url.url)


if __name__ == "__main__":
    app = App()
    NerStack(app, "papers")
    app.synth()
