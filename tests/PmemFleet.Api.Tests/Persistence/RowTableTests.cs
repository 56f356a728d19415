using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using PmemFleet.Api.Dimms;
using PmemFleet.Api.Hosts;
using PmemFleet.Api.Namespaces;
using PmemFleet.Api.Operations;
using PmemFleet.Api.Persistence;
using PmemFleet.Api.Tests.Support;

namespace PmemFleet.Api.Tests.Persistence;

/// <summary>Bulk statements and EF agree on what a row is.</summary>
public sealed class RowTableTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    public static TheoryData<Type> Rows =>
    [
        typeof(HostRow), typeof(DimmRow), typeof(LabelChunkRow), typeof(DpaExtentRow), typeof(Regions.RegionRow), typeof(Regions.RegionMappingRow),
        typeof(NamespaceRow), typeof(PersonalityRow), typeof(PmemFleet.Api.Dax.DaxRegionRow), typeof(PmemFleet.Api.Dax.DaxDeviceRow), typeof(OperationRow), typeof(TaskRow),
    ];

    /// <summary>A column that the comparison leaves out would be a change that is never saved.</summary>
    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Comparison_OfEachPropertyThatCanChange_SeesIt(Type type)
    {
        await using var db = await api.App.Services.GetRequiredService<IDbContextFactory<FleetDbContext>>().CreateDbContextAsync();
        var table = RowTables.Of(db)[type];
        var mapped = db.Model.FindEntityType(type)!;
        var changeable = mapped.GetProperties().Select(property => property.PropertyInfo!).Concat(mapped.GetComplexProperties().Select(property => property.PropertyInfo!))
            .Where(property => property.SetMethod is { } setter && !setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)));
        foreach (var property in changeable)
        {
            var row = RuntimeHelpers.GetUninitializedObject(type);
            if (row is HostRow host)
            {
                host.Labels = [];
            }

            var former = RowTable.Copy(row);
            Assert.True(table.AreSame(row, former));
            property.SetValue(row, Other(property.PropertyType));
            Assert.False(table.AreSame(row, former), property.Name);
        }
    }

    [Fact]
    public async Task Row_WrittenInBulk_IsReadByEfAsItWas_AndWrittenAgainWhole()
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123);
        var host = new HostRow
        {
            Id = Guid.CreateVersion7(),
            Name = $"bulk-{Guid.NewGuid():N}",
            Labels = new() { ["a"] = "\"quoted\" 'and' \\back", ["ä"] = "€" },
            Provider = "ACPI.NFIT",
            SupportsPud = true,
            PageTableLevels = 5,
            Profile = "linux-6.1",
            DeviceDax = true,
            MediaPool = "bulk",
            CreatedAt = now,
        };
        var operation = new OperationRow { Id = Guid.CreateVersion7(), Kind = "probe", HostId = host.Id, SuccessStatus = 201, Actor = "test", CreatedAt = now };
        var task = new TaskRow { Id = Guid.CreateVersion7(), OperationId = operation.Id, HostId = host.Id, Sequence = 3, Kind = "probe", Steps = "[ {\"step\":\"x\"} ]", CreatedAt = now };
        await api.WriteAsync(db =>
        {
            // in the wrong order: what refers to others is written behind them
            db.Changes.Add(task);
            db.Changes.Add(operation);
            db.Changes.Add(host);
            return Task.FromResult(0);
        });

        await SameInTheDatabaseAsync(host, operation, task);
        await api.WriteAsync(db =>
        {
            db.Changes.Attach(host);
            db.Changes.Attach(operation);
            db.Changes.Attach(task);
            host.Labels = new() { ["b"] = "2" };
            (host.Version, host.State) = (7, HostRow.Booting);
            (operation.State, operation.EndedAt, operation.Result, operation.Progress) = (OperationRow.Succeeded, now.AddHours(1), """{"z":1,"a":2}""", 1);
            (task.DeliveredEpoch, task.Sequence) = (5, 9);
            Assert.Equal(RowState.Changed, db.Changes.StateOf(task));
            return Task.FromResult(0);
        });

        await SameInTheDatabaseAsync(host, operation, task);
        await api.WriteAsync(async db =>
        {
            db.Changes.Attach(task);
            db.Changes.Remove(task);
            Assert.Equal(RowState.Removed, db.Changes.StateOf(task));
            await db.SaveChangesAsync();
            Assert.False(await db.Tasks.AnyAsync(row => row.Id == task.Id));
            return 0;
        });
    }

    /// <summary>Every column set to something of its own, and every one that may be null to null: EF and <see cref="RowReader{TRow}"/> read the same.</summary>
    [Theory]
    [MemberData(nameof(Rows))]
    public async Task Row_ReadByOurStatement_IsWhatEfReads(Type type)
    {
        await using var db = await api.App.Services.GetRequiredService<IDbContextFactory<FleetDbContext>>().CreateDbContextAsync();
        await (Task)typeof(RowTableTests).GetMethod(nameof(SameBothWaysAsync), System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static)!.MakeGenericMethod(type).Invoke(null, [db])!;
    }

    private static async Task SameBothWaysAsync<TRow>(FleetDbContext db)
        where TRow : class
    {
        var reader = RowTables.Of(db).Reader<TRow>();
        var properties = db.Model.FindEntityType(typeof(TRow))!.GetFlattenedProperties().ToList();
        var place = 0;
        string Literal(Microsoft.EntityFrameworkCore.Metadata.IProperty property, bool isNull)
        {
            var column = property.GetTableColumnMappings().Single().Column;
            var text = property.ClrType switch
            {
                _ when isNull && column.IsNullable => null,
                _ when column.StoreType is "json" or "jsonb" => $$"""{"a{{++place}}":"b"}""",
                var bytes when bytes == typeof(byte[]) => $"\\x0{++place % 10}",
                var id when (Nullable.GetUnderlyingType(id) ?? id) == typeof(Guid) => $"00000000-0000-0000-0000-{++place:D12}",
                var time when (Nullable.GetUnderlyingType(time) ?? time) == typeof(DateTimeOffset) => $"2024-05-06T07:08:{++place % 60:D2}.123456Z",
                var flag when (Nullable.GetUnderlyingType(flag) ?? flag) == typeof(bool) => ++place % 2 == 0 ? "true" : "false",
                _ => $"{++place}",
            };
            return $"{(text is null ? "NULL" : $"'{text}'")}::{column.StoreType} AS {'"'}{column.Name}{'"'}";
        }

        foreach (var isNull in new[] { false, true })
        {
            // a temporary table is found before the real one of its name
            var connection = (NpgsqlConnection)db.Database.GetDbConnection();
            await db.Database.OpenConnectionAsync();
#pragma warning disable CA2100 // the test's own text
            await using var make = new NpgsqlCommand($"CREATE TEMP TABLE {reader.Table} AS SELECT {string.Join(", ", properties.Select(property => Literal(property, isNull)))}", connection);
            await using var read = new NpgsqlCommand($"SELECT 0, {reader.Columns("made")} FROM {reader.Table} made", connection);
            await using var drop = new NpgsqlCommand($"DROP TABLE pg_temp.{reader.Table}", connection);
#pragma warning restore CA2100
            await make.ExecuteNonQueryAsync();
            var theirs = await db.Set<TRow>().AsNoTracking().SingleAsync();
            TRow ours;
            await using (var rows = await read.ExecuteReaderAsync())
            {
                Assert.True(await rows.ReadAsync());
                Assert.Equal(rows.FieldCount, reader.Count + 1);
                ours = reader.Read(rows, 1);
            }

            await drop.ExecuteNonQueryAsync();
            await db.Database.CloseConnectionAsync();
            Assert.Equivalent(theirs, ours, strict: true);
            Assert.True(RowTables.Of(db)[typeof(TRow)].AreSame(theirs, ours));
        }
    }

    /// <summary>A row that somebody took away meanwhile: the write has lost a race, and says so instead of writing less than it should.</summary>
    [Fact]
    public async Task Change_OfARowThatIsGone_IsARaceThatWasLost()
    {
        var task = new TaskRow { Id = Guid.CreateVersion7(), OperationId = Guid.Empty, HostId = Guid.Empty, Sequence = 1, Kind = "probe", Steps = "[]", CreatedAt = default };
        await using var db = await api.App.Services.GetRequiredService<IDbContextFactory<FleetDbContext>>().CreateDbContextAsync();
        await db.Database.OpenConnectionAsync();
        db.Changes.Attach(task);
        task.Sequence = 2;
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => db.SaveChangesAsync());
        db.Changes.Reset();
    }

    private async Task SameInTheDatabaseAsync(params object[] rows)
    {
        await using var db = await api.App.Services.GetRequiredService<IDbContextFactory<FleetDbContext>>().CreateDbContextAsync();
        foreach (var row in rows)
        {
            var entry = db.Entry(row);
            entry.State = EntityState.Unchanged;
            var stored = await entry.GetDatabaseValuesAsync();
            Assert.NotNull(stored);
            foreach (var property in entry.Metadata.GetFlattenedProperties())
            {
                var (ours, theirs) = (entry.Property(property.Name).CurrentValue, stored[property.Name]);
                Assert.True(property.GetValueComparer().Equals(ours, theirs), $"{row.GetType().Name}.{property.Name}: {ours} and {theirs}");
            }
        }
    }

    private static object Other(Type type) =>
        Nullable.GetUnderlyingType(type) is { } inner ? Other(inner)
        : type == typeof(string) ? "other"
        : type == typeof(byte[]) ? new byte[] { 1 }
        : type == typeof(bool) ? true
        : type == typeof(Guid) ? Guid.NewGuid()
        : type == typeof(DateTimeOffset) ? DateTimeOffset.UnixEpoch.AddDays(1)
        : type == typeof(Dictionary<string, string>) ? new Dictionary<string, string> { ["k"] = "v" }
        : type.IsPrimitive ? Convert.ChangeType(17, type, System.Globalization.CultureInfo.InvariantCulture)
        : RuntimeHelpers.GetUninitializedObject(type);
}
