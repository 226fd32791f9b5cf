

# Appended to the application's wsgi.py for a rehearsal: adds two pages to any application, one that queries the database and
# one that also takes 2 s.
def _with_rehearsal_pages(application):
    import time

    from django.db import connection

    def serve(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if not path.startswith("/rehearsal/"):
            return application(environ, start_response)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM django_migrations")
            answer = str(cursor.fetchone()[0])
        connection.close_if_unusable_or_obsolete()
        if path == "/rehearsal/slow":
            time.sleep(2)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
        return [answer.encode()]

    return serve


application = _with_rehearsal_pages(application)
