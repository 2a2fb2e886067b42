"""Published models: versions, the promotion gate and its log, the champion, its Bento."""
