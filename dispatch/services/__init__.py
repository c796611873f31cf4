"""What happens to editions (`editions`), dispatches (`dispatches`), deliveries (`deliveries`); who hears: `telling`."""
