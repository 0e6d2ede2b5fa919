-- The dimensions of the freight of a booking template, as 0079 has them of bookings. Null: none. Older processes neither read nor write
-- them: what they change keeps them.
alter table booking_templates
    add column dimensions jsonb,
    add constraint booking_templates_dimensions
        check (jsonb_typeof(dimensions) = 'array' and jsonb_array_length(dimensions) between 1 and 50);
