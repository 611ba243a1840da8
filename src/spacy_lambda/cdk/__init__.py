"""FunctionSpec -> CloudFormation templates: one construct per concern, two stacks that are made of them, and an app.

::

    SharedStack                       FunctionStack
    ├── ArtifactBucket                ├── NerFunction
    └── ImageRepository, one each     │   ├── logs, FunctionRole, FailedEvents
                                      │   ├── ModelNetwork, ModelCache       (image-efs)
                                      │   └── the function and its version
                                      ├── MonthlyBudget                      (with a budget)
                                      └── LiveAlias                          (with a live version)
                                          ├── Endpoint, CallerPermissions, EventSources, Alarms, Canary, BulkAnnotation
                                          └── Dashboard

Nothing is looked up in an account, so that the same spec always gives the same templates.

The package is closed: it imports the standard library, ``aws_cdk``, ``constructs``, itself, and the modules of ``core``
with facts about Lambda, all by relative imports, so that ``spacy-lambda eject`` copies it as it is. ``settings``,
``bulk_settings``, ``source_settings``, ``spec``, ``spec_file``, ``aws_names``, ``literal_text`` and ``prices`` need the
standard library only.
"""
