"""The rehearsal of a deployment on this machine: ``spacy-lambda deploy --local``.

::

    Project ──rehearse──▶ the emulator, and in it what the project expects: queues, buckets and streams
                              │
       deploy and the CDK ────┤ AWS's APIs on a loopback address       the same code as for AWS, with other variables
                              ▼
                          emulator ──guard──▶ moto, with moto_changes and moto_resources
                                                 │ invocations
                                                 ▼
                                           deployed_functions ──▶ local Lambda, which runs the uploaded bundle

Nothing reaches AWS: while a rehearsal runs, this process and its children have no credentials but the emulator's
(:mod:`.emulator_access`). The emulator ends with the rehearsal, unless it is kept for other commands (``--serve``).
"""
