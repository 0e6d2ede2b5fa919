-- What carrying a tonne over a kilometre emits on an aircraft type: CO2 equivalents, well to wheel, in ten-thousandths of a
-- kilogram. Null: not known, the factor of the class counts. Older processes neither read nor write it: what they change keeps it.
alter table aircraft_types
    add column co2e_per_tkm bigint,
    add constraint aircraft_types_co2e_per_tkm check (co2e_per_tkm between 1 and 999999);
