"""The function's cache: artifacts fetched during init, each verified before anything of it is loaded.

::

    ROOT/DIGEST/pipeline/...       an entry: a pipeline's folder, under its artifact's SHA-256
    ROOT/DIGEST/manifest.json      the artifact's manifest
    ROOT/DIGEST/in-use             locked by each process that has the pipeline open; its time is that of the last use
    ROOT/.fetching/DIGEST/N/       what process number N is fetching, and its heartbeat
    ROOT/.set-aside/               the last entries that were found damaged

ROOT is in ``/tmp``, or on an EFS that many functions share. No lock is relied on. An entry appears by one rename of a
folder that is whole and on the disk, and before each use the artifact's digest is computed again from its files: what
is half written, damaged or forged is never loaded, whatever another process does or dies of. Locks and heartbeats only
save work: of many cold starts at once, one fetches and the others wait as long as it gets on. Where locks do not work,
the same is done more than once, and the first rename wins.

The flow, one module each::

    settings     environment variables -> CacheSettings
    fetch        Location -> entry: looked up, or fetched
      owner        who could change the cache: it is refused where another user could
      entry        opening an entry: verified, or
      aside          set aside
      claim        who fetches, and who waits
      room         what is evicted, once it is decided that there can be room
      sweep        what processes that died have left
    folders      files and folders that vanish at any moment: all that is done by path
    network      the kind of a file system
"""
