DELETE FROM catalog_outbox WHERE created_at < now() - interval '7 days'
