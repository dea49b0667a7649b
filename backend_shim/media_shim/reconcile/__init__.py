"""Compares the application's rows, the Worker's rows and the store's objects, and mends on request.

    states    what a file can be in each of the three
    drift     what can be wrong, and what a repair does about it
    table     which of the states agree: a verdict for each combination
    judge     one key's verdict
    merge     three streams in the order of keys, key by key
    streams   where these come from
    survey    one pass over all keys, which changes nothing
    repair    what mends each kind
    brake     what stops a repair in the wrong environment

**Nothing false.** The three are read at different times, while uploads go on. So nothing that
changed in the last `grace` counts, by the time that each of the three wrote down itself, and
reckoned back from the *start* of the run, however long it takes; the clocks may differ by less than
that. What seems to be wrong is looked up again in the application's database before it is said: the
application decides what happens to its files, so what changed meanwhile changed there first. And
what is repaired is looked up once more, under the row's lock.

**Nothing lost.** A repair deletes no bytes of a file that the application has not removed itself.
What the application does not know is made private and kept for a person.

**Nothing of others.** The Worker shows rows of this shim alone, and objects that are this shim's or
nobody's. Of nobody's only those are ours whose key has our SERVICE.
"""
