"""The same work done with what one would otherwise reach for: FastAPI, a Procrastinate task for each write, httpx.

Written as somebody who knows these libraries would: asynchronous all through, pools, keep-alive, concurrency, one
insert for each request, Retry-After obeyed. It does less than Fleetwrite: no tokens are checked, no ids translated, no
operation or attempt is stored to be asked for, no event is kept for a receiver that is down.
"""
