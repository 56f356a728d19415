using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace PmemFleet.Api.Persistence;

/// <summary>
/// Writes the rows that a context was to insert with COPY, in its transaction: a fleet of a hundred thousand namespaces is a million rows.
/// Columns, converters and order come from the context's own model, so a bulk row and a saved one are the same.
/// </summary>
public static class BulkInsert
{
    /// <summary>Inserts all added rows; on return the context tracks none of them. Other changes stay to be saved.</summary>
    /// <returns>Rows inserted.</returns>
    public static async Task<int> InsertAddedAsync(FleetDbContext db, CancellationToken cancellationToken)
    {
        var added = db.ChangeTracker.Entries().Where(entry => entry.State == EntityState.Added).ToLookup(entry => entry.Metadata);
        var inserted = 0;
        foreach (var type in PrincipalsFirst(db.Model).Where(added.Contains))
        {
            inserted += await CopyAsync(db, type, added[type], cancellationToken);
            foreach (var entry in added[type])
            {
                entry.State = EntityState.Detached;
            }
        }

        return inserted;
    }

    private static async Task<int> CopyAsync(FleetDbContext db, IEntityType type, IEnumerable<EntityEntry> entries, CancellationToken cancellationToken)
    {
        var mapping = type.GetTableMappings().Single();
        var columns = type.GetFlattenedProperties().Where(property => !IsMadeByTheDatabase(property))
            .Select(property => Column.Of(property.GetTableColumnMappings().Single())).ToArray();
        var names = string.Join(", ", columns.Select(column => $"\"{column.Name}\""));
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        await using var copy = await connection.BeginBinaryImportAsync($"COPY \"{mapping.Table.Name}\" ({names}) FROM STDIN (FORMAT BINARY)", cancellationToken);
        var count = 0;
        foreach (var entry in entries)
        {
            await copy.StartRowAsync(cancellationToken);
            foreach (var column in columns)
            {
                if (column.Read(entry.Entity) is { } value)
                {
                    await copy.WriteAsync(value, column.DataType, cancellationToken);
                }
                else
                {
                    await copy.WriteNullAsync(cancellationToken);
                }
            }

            count++;
        }

        await copy.CompleteAsync(cancellationToken);
        return count;
    }

    private static bool IsMadeByTheDatabase(IProperty property) => property.ValueGenerated != ValueGenerated.Never && property.ClrType == typeof(long);

    /// <summary>Every entity type behind those it refers to.</summary>
    private static List<IEntityType> PrincipalsFirst(IModel model)
    {
        var ordered = new List<IEntityType>();
        void Visit(IEntityType type)
        {
            if (ordered.Contains(type))
            {
                return;
            }

            foreach (var principal in type.GetForeignKeys().Select(key => key.PrincipalEntityType).Where(principal => principal != type))
            {
                Visit(principal);
            }

            ordered.Add(type);
        }

        foreach (var type in model.GetEntityTypes())
        {
            Visit(type);
        }

        return ordered;
    }

    private sealed record Column(string Name, string DataType, Func<object, object?> Read)
    {
        public static Column Of(IColumnMapping mapping)
        {
            var path = PathOf(mapping.Property);
            var convert = mapping.TypeMapping.Converter?.ConvertToProvider;
            return new Column(mapping.Column.Name, mapping.Column.StoreType.Split('(')[0], entity =>
            {
                object? value = entity;
                foreach (var step in path)
                {
                    value = value is null ? null : step.GetValue(value);
                }

                return value is not null && convert is not null ? convert(value) : value;
            });
        }

        /// <summary>From the entity through its complex values to the property.</summary>
        private static System.Reflection.PropertyInfo[] PathOf(IProperty property)
        {
            var path = new List<System.Reflection.PropertyInfo> { property.PropertyInfo! };
            for (var owner = property.DeclaringType as IComplexType; owner is not null; owner = owner.ComplexProperty.DeclaringType as IComplexType)
            {
                path.Insert(0, owner.ComplexProperty.PropertyInfo!);
            }

            return [.. path];
        }
    }
}
