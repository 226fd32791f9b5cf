-- From any database: one line for a migration that waits for a lock: "waits", what for, and who holds it. Its sessions are those
-- of a container (:addresses) and, behind a connection pool, those with its application_name. Without the text of the holder's
-- literals, and ended where quoting gets difficult: a query can contain confidential values.
SELECT concat_ws(E'\t', 'waits',
  CASE locktype WHEN 'relation' THEN format('a lock on %s', relation::regclass) WHEN 'transactionid' THEN 'a row that another transaction has changed'
    WHEN 'virtualxid' THEN 'the end of earlier transactions' ELSE format('a lock (%s)', coalesce(locktype, 'unknown')) END,
  coalesce(format('pid %s (user %s, application %s, client %s, in its transaction for %s s, %s): %s', holder.pid, holder.usename,
    coalesce(nullif(regexp_replace(holder.application_name, '\s+', ' ', 'g'), ''), 'unnamed'), coalesce(host(holder.client_addr), 'on the server itself'),
    round(extract(epoch FROM clock_timestamp() - coalesce(holder.xact_start, holder.backend_start))), coalesce(holder.state, holder.backend_type),
    rtrim(regexp_replace(regexp_replace(regexp_replace(holder.query, '(\\|\$\D|--|/\*).*', '...'), '''([^'']|'''')*(''|$)', '''...''', 'g'), '\s+', ' ', 'g'), ' ;')),
    'a prepared transaction (pg_prepared_xacts)'))
FROM pg_stat_activity AS waiter
  CROSS JOIN LATERAL unnest(pg_blocking_pids(waiter.pid)) AS blocking (pid)
  LEFT JOIN pg_stat_activity AS holder ON holder.pid = blocking.pid
  LEFT JOIN pg_locks AS wanted ON wanted.pid = waiter.pid AND NOT wanted.granted
WHERE waiter.wait_event_type = 'Lock' AND waiter.datname = current_database()
  AND (waiter.application_name = :'name' OR host(waiter.client_addr) = ANY (string_to_array(:'addresses', ' ')))
-- Rather who runs than who waits in turn; of these the oldest.
ORDER BY holder.wait_event_type IS NOT DISTINCT FROM 'Lock', holder.xact_start LIMIT 1;

-- An application whose settings have connection options of their own gets no lock_timeout from the environment. Its migration is
-- cancelled once others have waited behind it for so long. In the list, because conditions are evaluated in any order.
SELECT CASE WHEN pg_cancel_backend(pid) THEN 'cancelled' END
FROM (
  SELECT waiter.pid
  FROM pg_stat_activity AS waiter JOIN pg_locks AS wanted ON wanted.pid = waiter.pid AND NOT wanted.granted
  WHERE :limit > 0 AND waiter.datname = current_database()
    AND (waiter.application_name = :'name' OR host(waiter.client_addr) = ANY (string_to_array(:'addresses', ' ')))
    -- PostgreSQL 13 and earlier do not know since when.
    AND (to_jsonb(wanted) ->> 'waitstart')::timestamptz < clock_timestamp() - make_interval(secs => :limit + 2)
    AND EXISTS (SELECT FROM pg_stat_activity AS behind WHERE behind.wait_event_type = 'Lock' AND waiter.pid = ANY (pg_blocking_pids(behind.pid)))
  LIMIT 1
) AS found;
