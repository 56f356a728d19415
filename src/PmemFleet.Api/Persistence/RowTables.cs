using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace PmemFleet.Api.Persistence;

/// <summary>All tables of the context's model, each behind those it refers to. They are made once for a process, each when it is first written.</summary>
internal sealed class RowTables
{
    private static readonly Lock Gate = new();
    private static RowTables? _shared;

    private readonly Dictionary<Type, Lazy<RowTable>> _tables;
    private readonly ConcurrentDictionary<Type, object> _readers = [];
    private readonly IModel _model;

    private RowTables(IModel model)
    {
        _model = model;
        var types = PrincipalsFirst(model);
        _tables = types.ToDictionary(type => type.ClrType, type => new Lazy<RowTable>(() => new RowTable(type)));
        PlaceOf = types.Select((type, place) => (type.ClrType, place)).ToDictionary(pair => pair.ClrType, pair => pair.place);
    }

    /// <summary>Of each row's type, its place in the order in which rows can be inserted.</summary>
    public IReadOnlyDictionary<Type, int> PlaceOf { get; }

    public RowTable this[Type row] => _tables[row].Value;

    /// <summary>Reads rows of one type.</summary>
    public RowReader<TRow> Reader<TRow>()
        where TRow : class => (RowReader<TRow>)_readers.GetOrAdd(typeof(TRow), static (type, model) => new RowReader<TRow>(model.FindEntityType(type)!), _model);

    /// <summary>Of a context's model, which is the same for all of them.</summary>
    public static RowTables Of(DbContext db)
    {
        lock (Gate)
        {
            return _shared ??= new RowTables(db.Model);
        }
    }

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
}
