"""The function's cache: artifacts fetched during init, each verified before anything of it is loaded.

::

    ROOT/DIGEST/pipeline/...       an entry: a pipeline's folder, under its artifact's SHA-256
    ROOT/DIGEST/manifest.json      the artifact's manifest
    ROOT/DIGEST/in-use             locked by each process that has the pipeline open; its time is that of the last use
    ROOT/.fetching/DIGEST/N/       the unfinished fetch of process number N, and its heartbeat
    ROOT/.set-aside/               the last entries that were found damaged

ROOT is in ``/tmp``, or on an EFS that many functions share. No lock is relied on. An entry appears by one rename of a
complete folder that is on the disk, and before each use the artifact's digest is computed again from its files: an
entry that is incomplete, damaged or forged is never loaded, even if another process fails or interferes. Locks and
heartbeats only save work: of many cold starts at once, one fetches and the others wait as long as it makes progress.
Where locks do not work, the same work is done more than once, and the first rename wins.

The flow, one module each::

    settings     environment variables -> CacheSettings
    fetch        Location -> entry: found, or fetched
      owner        ownership: a cache that another user could change is refused
      entry        opening an entry: verified, or
      quarantine     quarantined if it is damaged
      claim        the choice of the process that fetches; the others wait
      eviction     eviction of unused entries, if that makes enough room
      sweep        removal of the files of processes that died
    folders      operations on files and folders that may vanish at any moment
    file_system  facts about the file system: its type, its space, the owner of new files
"""
