SELECT value FROM secret WHERE name = 'cursor'
