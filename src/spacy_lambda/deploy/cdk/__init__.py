"""FunctionSpec -> CloudFormation: one construct for each concern, two stacks that are made of them, and an app.

::

    SharedStack                       FunctionStack
    ├── ArtifactBucket                ├── NerFunction
    └── ImageRepository, one each     │   ├── logs, FunctionRole, FailedEvents
                                      │   ├── ModelNetwork, ModelCache       (image-efs)
                                      │   └── the function and its version
                                      └── LiveAlias                          (once a version is to be live)
                                          ├── Endpoint, Alarms, Canary
                                          └── Dashboard, MonthlyBudget

Nothing is looked up in an account, so that the same spec always gives the same templates.
"""
