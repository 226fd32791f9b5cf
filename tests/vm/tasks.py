

# Appended to the application's tasks: one that ends when the file /tmp/end exists, and is not delivered again if it is interrupted.
@shared_task(name="test.rest", soft_time_limit=900, time_limit=900, acks_late=False)
def rest():
    import os
    import time

    while not os.path.exists("/tmp/end"):
        time.sleep(0.2)
