

# Appended to the application's wsgi.py: a page that counts the bytes of an upload, and one that sends an event
# every half second until the file /tmp/end exists.
def _with_long_requests(application):
    import os
    import time

    def events():
        number = 0
        while not os.path.exists("/tmp/end"):
            number += 1
            yield b"data: %d\n\n" % number
            time.sleep(0.5)
        yield b"data: end\n\n"

    def serve(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path == "/test/upload":
            answer = str(len(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
            start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
            return [answer.encode()]
        if path == "/test/events":
            start_response("200 OK", [("Content-Type", "text/event-stream"), ("X-Accel-Buffering", "no")])
            return events()
        return application(environ, start_response)

    return serve


application = _with_long_requests(application)
