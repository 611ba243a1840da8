# terraform init && terraform apply
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.80" # earlier ones do not know python3.13
    }
  }
}

variable "bucket" {
  description = "A bucket for the zip, which is too large to upload to Lambda directly"
  type        = string
}

locals {
  bundle = "${path.module}/../bundle.zip"
}

resource "aws_s3_object" "bundle" {
  bucket = var.bucket
  key    = "ner/${filesha256(local.bundle)}.zip"
  source = local.bundle
}

resource "aws_iam_role" "ner" {
  name_prefix = "ner-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "logs" {
  role       = aws_iam_role.ner.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

# Lambda would create it without a limit, and leave it when the function is destroyed.
resource "aws_cloudwatch_log_group" "ner" {
  name              = "/aws/lambda/ner"
  retention_in_days = 30
}

resource "aws_lambda_function" "ner" {
  function_name    = "ner"
  role             = aws_iam_role.ner.arn
  s3_bucket        = aws_s3_object.bundle.bucket
  s3_key           = aws_s3_object.bundle.key
  source_code_hash = filebase64sha256(local.bundle)
  handler          = "spacy_lambda.runtime.handler.handler"
  runtime          = "python3.13"
  architectures    = ["x86_64"]
  memory_size      = 1769
  timeout          = 30
  publish          = true

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.ner.name
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.ner.function_name
  function_version = aws_lambda_function.ner.version
}

resource "aws_lambda_function_url" "live" {
  function_name      = aws_lambda_function.ner.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "AWS_IAM"
}

output "url" {
  value = aws_lambda_function_url.live.function_url
}
