"""manage.py consume_orders: writes receipts for order events until it gets SIGTERM or SIGINT."""

import signal

from django.core.management.base import BaseCommand

from orders.consumer import OrderConsumer


class Command(BaseCommand):
    help = "Consume order events from Kafka and write a receipt for each settled order."

    def add_arguments(self, parser):
        parser.add_argument("--idle", type=float, help="stop if no event arrives for this many seconds")
        parser.add_argument("--limit", type=int, help="stop after this many events")
        parser.add_argument("--group", default="orders", help="consumer group (default: orders)")

    def handle(self, *args, idle=None, limit=None, group="orders", **options):
        consumer = OrderConsumer(group)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, consumer.stop)
        handled = consumer.run(idle, limit)
        self.stdout.write(f"{handled} events handled")
