

# Appended to the application's wsgi.py for a rehearsal: adds three pages to any application. One queries the database, one also
# takes 2 s, one answers with the number of bytes that were uploaded to it.
def _with_rehearsal_pages(application):
    import time

    from django.db import connection

    def rows():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM django_migrations")
            count = cursor.fetchone()[0]
        connection.close_if_unusable_or_obsolete()
        return count

    def uploaded(environ):
        return sum(map(len, iter(lambda: environ["wsgi.input"].read(65536), b"")))

    def serve(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith("/rehearsal/"):
            return application(environ, start_response)
        answer = str(uploaded(environ) if path == "/rehearsal/upload" else rows())
        if path == "/rehearsal/slow":
            time.sleep(2)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
        return [answer.encode()]

    return serve


application = _with_rehearsal_pages(application)
