"""Traffic between hosts by the usual programs: iperf3, ping, a web server and its clients, and mixes of them.

Each is a context: the traffic lasts as long as the context does, and `outcome` says afterwards what was asked for and
what was carried. What is lost, refused or cut off on the way is part of the outcome, never an exception. The probe
(`traffic.py`) counts every packet; these show what applications see.
"""
